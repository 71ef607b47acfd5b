import { createHash } from 'node:crypto'
import { readdirSync, readFileSync, statSync, watch } from 'node:fs'
import path from 'node:path'

/** Ends the watching. */
export type StopWatching = () => void

const SETTLE = 250
const POLL = 60_000

/**
 * Calls back when the contents of files or folders have changed. Folders are watched, because a
 * mounted ConfigMap is swapped by renaming a link beside the files; contents are compared, because
 * times and inodes lie. A slow poll covers file systems that tell nothing.
 */
export function watchFiles(files: readonly string[], changed: () => void): StopWatching {
  let known = fingerprint(files)
  let timer: NodeJS.Timeout | undefined
  const look = () => {
    const now = fingerprint(files)
    if (now === known) return
    known = now
    changed()
  }
  const settle = () => {
    clearTimeout(timer)
    timer = setTimeout(look, SETTLE)
  }
  const folders = new Set(files.flatMap((file) => [path.dirname(file), ...foldersIn(file)]))
  const watchers = [...folders].flatMap((folder) => {
    try {
      return watch(folder, { persistent: false }, settle).on('error', settle)
    } catch {
      return []
    }
  })
  const poll = setInterval(look, POLL).unref()
  return () => {
    clearTimeout(timer)
    clearInterval(poll)
    for (const watcher of watchers) watcher.close()
  }
}

function fingerprint(files: readonly string[]): string {
  const hash = createHash('sha256')
  for (const file of files.toSorted()) add(file)
  return hash.digest('base64')

  function add(file: string): void {
    try {
      if (statSync(file).isDirectory()) {
        for (const name of readdirSync(file).toSorted()) {
          if (!name.startsWith('.')) add(path.join(file, name))
        }
      } else {
        hash.update(JSON.stringify(file)).update(readFileSync(file))
      }
    } catch {
      hash.update(JSON.stringify([file, 'unreadable']))
    }
  }
}

function foldersIn(file: string): readonly string[] {
  try {
    if (!statSync(file).isDirectory()) return []
    const inner = readdirSync(file).filter((name) => !name.startsWith('.'))
    return [file, ...inner.flatMap((name) => foldersIn(path.join(file, name)))]
  } catch {
    return []
  }
}
