import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'

/**
 * SHA-256 of all that a plugin runs of its own: its file, or its folder, and the files elsewhere that these import
 * by a relative path. 64 hexadecimal digits; the same wherever the folder of the plugins is mounted.
 * @throws the system's error when something cannot be read
 */
export function pluginHash(source: string): string {
  const own = hashOf(source)
  const others = filesElsewhere(source)
  if (others.length === 0) return own
  const places = others.map((file) => [path.relative(source, file), hashOf(file)])
  return createHash('sha256')
    .update(JSON.stringify([own, places]))
    .digest('hex')
}

function hashOf(source: string): string {
  const whole = createHash('sha256')
  if (!statSync(source).isDirectory()) return whole.update(readFileSync(source)).digest('hex')
  for (const name of namesIn(source)) {
    whole.update(JSON.stringify([name, hashOf(path.join(source, name))]))
  }
  return whole.digest('hex')
}

// Names that begin with two dots are the mount's own: what is in them is seen through its links, under names that
// stay the same when the mount is filled anew.
function namesIn(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('..'))
    .toSorted()
}

function filesElsewhere(source: string): readonly string[] {
  const seen = new Set<string>()
  const elsewhere = new Set<string>()
  const follow = (file: string): void => {
    if (seen.has(file)) return
    seen.add(file)
    if (!isWithin(source, file)) elsewhere.add(file)
    importsOf(file).forEach(follow)
  }
  filesIn(source).forEach(follow)
  return [...elsewhere].toSorted()
}

function filesIn(source: string): readonly string[] {
  if (!statSync(source).isDirectory()) return [source]
  return namesIn(source).flatMap((name) => filesIn(path.join(source, name)))
}

function isWithin(source: string, file: string): boolean {
  return file === source || file.startsWith(source + path.sep)
}

/** `from './x'`, `import './x'`, `import('./x')`; not what is left out when the file is run. */
const IMPORT =
  /^(?!\s*(?:import|export)\s+type\s).*?(?:from|import)\s*\(?\s*['"](?<to>\.\.?\/[^'"]+)['"]/gm

function importsOf(file: string): readonly string[] {
  if (!/\.(ts|js|mjs)$/.test(file)) return []
  return [...readFileSync(file, 'utf8').matchAll(IMPORT)]
    .map(({ groups }) => path.resolve(path.dirname(file), groups?.['to'] ?? ''))
    .filter((found) => statSync(found, { throwIfNoEntry: false })?.isFile())
}
