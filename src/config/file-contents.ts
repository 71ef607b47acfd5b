import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'

export interface Contents {
  /** Equal exactly when names and contents are; links are followed. */
  readonly hash: string
  /** When something in it was last written, in whole milliseconds as Date has them; 0 when it cannot be read. */
  readonly newest: number
}

/** What a file holds, or all files of a folder but hidden ones and packages. */
export function contentsOf(file: string): Contents {
  const hash = createHash('sha256')
  let newest = 0
  const add = (one: string): void => {
    try {
      const status = statSync(one)
      newest = Math.max(newest, Math.floor(status.ctimeMs))
      if (status.isDirectory()) for (const name of visible(one)) add(path.join(one, name))
      if (!status.isFile()) return
      const bytes = readFileSync(one)
      hash.update(JSON.stringify([one, bytes.length])).update(bytes)
    } catch {
      hash.update(JSON.stringify([one, 'unreadable']))
    }
  }
  add(file)
  return { hash: hash.digest('base64'), newest }
}

/** Equal exactly when the contents of all these files and folders are. */
export function fingerprintOf(files: readonly string[]): string {
  const hashes = files.toSorted().map((file) => [file, contentsOf(file).hash])
  return createHash('sha256').update(JSON.stringify(hashes)).digest('base64')
}

/** The folders whose entries tell of these files and folders, each once. */
export function foldersOf(files: readonly string[]): readonly string[] {
  return [...new Set(files.flatMap((file) => [path.dirname(file), ...inner(file)]))]
}

function inner(file: string): readonly string[] {
  try {
    if (!statSync(file).isDirectory()) return []
    return [file, ...visible(file).flatMap((name) => inner(path.join(file, name)))]
  } catch {
    return []
  }
}

function visible(folder: string): readonly string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.') && name !== 'node_modules')
    .toSorted()
}
