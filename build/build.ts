import { execFileSync } from 'node:child_process'
import { cpSync, globSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

/**
 * Makes of the sources what the npm package and an image carry: compiled JavaScript that runs where it lies, with
 * `node_modules` beside or above it. `node build/build.ts [folder]`, `dist` unless told.
 */
const ROOT = fileURLToPath(new URL('..', import.meta.url))
const DIST = path.resolve(process.argv[2] ?? path.join(ROOT, 'dist'))

const tsc = (...args: readonly string[]) => {
  const program = path.join(ROOT, 'node_modules/.bin/tsc')
  execFileSync(program, [...args, '--outDir', DIST], { cwd: ROOT, stdio: 'inherit' })
}

rmSync(DIST, { recursive: true, force: true })
mkdirSync(DIST, { recursive: true })

tsc('-p', 'tsconfig.build.json')
// For plugins elsewhere. Of all other types nobody outside is to know.
const CONTRACT_TYPES = `
  --ignoreConfig src/contract/index.ts --rootDir . --module nodenext --target es2024 --types node
  --strict --noCheck --declaration --emitDeclarationOnly --rewriteRelativeImportExtensions`
tsc(...CONTRACT_TYPES.trim().split(/\s+/))

for (const folder of ['bin', 'config']) {
  cpSync(path.join(ROOT, folder), path.join(DIST, folder), { recursive: true })
}
const { name, version } = JSON.parse(readFileSync(path.join(ROOT, 'package.json'), 'utf8')) as {
  readonly name: string
  readonly version: string
}
const description = { name, version, private: true, type: 'module' }
writeFileSync(path.join(DIST, 'package.json'), `${JSON.stringify(description, null, 2)}\n`)

// What the compiler does not see: the name of a file in a text, or types that are imported as values.
const SOURCE_NAMED = /(?:from |import\(|new URL\()\s*['"`](?:\.{1,2}\/[^'"`]*\.ts|#contract)['"`]/
const wrong = globSync('**/*.js', { cwd: DIST }).filter((file) =>
  SOURCE_NAMED.test(readFileSync(path.join(DIST, file), 'utf8')),
)
if (wrong.length > 0) {
  process.stderr.write(`These would need a source when they run: ${wrong.join(', ')}\n`)
  process.exitCode = 1
}
