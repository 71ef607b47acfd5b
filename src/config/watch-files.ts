import { watch } from 'node:fs'
import type { FSWatcher } from 'node:fs'

import { contentsOf, foldersOf } from './file-contents.ts'

/** Watches files and folders for changes of their contents. */
export interface FileWatcher {
  /**
   * Watches these from now on, and nothing else.
   * @param since when they began to be read: what has changed after that is told at once
   */
  watch(files: readonly string[], since: Date): void
  close(): void
}

/** Writers write in several steps; but a folder that never comes to rest must not keep us from looking. */
const SETTLE = 250
const MAX_SETTLE = 2000
/** For file systems that tell nothing. */
const POLL = 60_000

/**
 * Calls back when contents have changed. Folders are watched, because a mounted ConfigMap is swapped by renaming a
 * link beside the files; contents are compared, because times and inodes lie.
 */
export function watchFiles(changed: () => void): FileWatcher {
  let known = new Map<string, string>()
  let watchers: readonly FSWatcher[] = []
  let timer: NodeJS.Timeout | undefined
  let waitingSince = 0
  const look = () => {
    clearTimeout(timer)
    timer = undefined
    const now = new Map([...known.keys()].map((file) => [file, contentsOf(file).hash]))
    const isSame = [...now].every(([file, hash]) => known.get(file) === hash)
    known = now
    if (isSame) return
    // A folder may have come, or come anew under its old name.
    reopen()
    changed()
  }
  const settle = () => {
    if (timer === undefined) waitingSince = performance.now()
    else if (performance.now() - waitingSince > MAX_SETTLE - SETTLE) return
    clearTimeout(timer)
    timer = setTimeout(look, SETTLE)
  }
  const close = () => {
    for (const watcher of watchers) watcher.close()
    watchers = []
  }
  const reopen = () => {
    close()
    watchers = foldersOf([...known.keys()]).flatMap((folder) => {
      try {
        return watch(folder, { persistent: false }, settle).on('error', settle)
      } catch {
        return []
      }
    })
  }
  const poll = setInterval(look, POLL).unref()
  return {
    watch(files, since) {
      const before = known
      known = new Map()
      let isLate = false
      for (const file of files) {
        const { hash, newest } = contentsOf(file)
        isLate ||= !before.has(file) && newest > since.getTime()
        // What was watched before is compared with what was seen then: the reading since may have seen less.
        known.set(file, before.get(file) ?? (newest > since.getTime() ? '' : hash))
      }
      reopen()
      if (isLate) settle()
    },
    close() {
      clearTimeout(timer)
      clearInterval(poll)
      close()
    },
  }
}
