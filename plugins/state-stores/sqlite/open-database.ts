import { chmodSync, closeSync, mkdirSync, openSync } from 'node:fs'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'

const VERSION = 1
const BUSY_MS = 2000

/**
 * Opens the database, or makes it with its folder, readable by the owner alone.
 * @throws when the file cannot be opened, is no database, or was written by a later version.
 */
export function openDatabase(file: string): DatabaseSync {
  mkdirSync(path.dirname(file), { recursive: true, mode: 0o700 })
  // SQLite gives its other files the mode of this one, so it has to be right before they are made.
  closeSync(openSync(file, 'a', 0o600))
  chmodSync(file, 0o600)
  const db = new DatabaseSync(file, { timeout: BUSY_MS })
  try {
    prepare(db)
    return db
  } catch (error) {
    db.close()
    throw new Error(`${file}: ${error instanceof Error ? error.message : String(error)}`, {
      cause: error,
    })
  }
}

function prepare(db: DatabaseSync): void {
  // What was answered is on the disk: FULL syncs the log at each commit, so that losing power loses nothing either.
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA trusted_schema = OFF')
  // A key that was sealed later must not stay behind, in the clear, in what the file no longer uses.
  db.exec('PRAGMA secure_delete = ON')
  const version = Number(db.prepare('PRAGMA user_version').get()?.['user_version'])
  if (version > VERSION) throw new Error('was written by a later version')
  db.exec(`
    BEGIN IMMEDIATE;
    CREATE TABLE IF NOT EXISTS entries (
      key TEXT PRIMARY KEY,
      value TEXT NOT NULL,
      until INTEGER
    ) STRICT, WITHOUT ROWID;
    CREATE INDEX IF NOT EXISTS entries_until ON entries (until) WHERE until IS NOT NULL;
    PRAGMA user_version = ${VERSION};
    COMMIT;
  `)
}
