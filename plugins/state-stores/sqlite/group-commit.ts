import type { DatabaseSync } from 'node:sqlite'

export interface GroupCommit {
  /** Does the write with the next group. @returns what it returned, once that is on the disk. */
  readonly commit: <T>(write: () => T) => Promise<T>
  /** Does what is waiting now. */
  readonly flush: () => void
}

interface Waiting {
  /** Does the write. @returns what tells the caller. */
  readonly run: () => () => void
  readonly reject: (error: unknown) => void
}

/**
 * Joins the writes of one turn of the event loop in one transaction. A commit waits for the disk with the whole process,
 * so it must not happen once per request. When any write of a group fails, all of the group fail.
 */
export function groupCommit(db: DatabaseSync): GroupCommit {
  let waiting: Waiting[] = []

  function flush(): void {
    const group = waiting
    waiting = []
    if (group.length === 0) return
    try {
      db.exec('BEGIN IMMEDIATE')
      const done = group.map(({ run }) => run())
      db.exec('COMMIT')
      for (const tell of done) tell()
    } catch (error) {
      if (db.isOpen && db.isTransaction) db.exec('ROLLBACK')
      for (const { reject } of group) reject(error)
    }
  }

  return {
    flush,
    commit: (write) =>
      new Promise((resolve, reject) => {
        const run = () => {
          const result = write()
          return () => resolve(result)
        }
        if (waiting.push({ run, reject }) === 1) setImmediate(flush)
      }),
  }
}
