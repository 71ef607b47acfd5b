import { EventEmitter } from 'node:events'

import type { PluginLog, StateStore, StateStorePlugin } from '#contract'
import { z } from 'zod'

import { groupCommit } from './group-commit.ts'
import { openDatabase } from './open-database.ts'

const options = z
  .strictObject({
    /** The database file; made with its folder when it is not there. */
    path: z.string().min(1).default('data/state.db'),
  })
  .prefault({})

/** One file on a disk of this machine: survives restarts, kill -9 and power loss. */
export default {
  contract: 1,
  options,
  setup: ({ path }, host) => sqliteStore({ path: host.resolve(path), log: host.log }),
} satisfies StateStorePlugin<z.infer<typeof options>>

export interface SqliteStoreOptions {
  /** Absolute. */
  readonly path: string
  readonly log: PluginLog
  /** Milliseconds since 1970. */
  readonly now?: () => number
}

const LIVE = '(until IS NULL OR until > $now)'
const GET = `SELECT value FROM entries WHERE key = $key AND ${LIVE}`
const SET = `
  INSERT INTO entries VALUES ($key, $value, $until)
  ON CONFLICT DO UPDATE SET value = excluded.value, until = excluded.until`
const ADD = `${SET} WHERE NOT (entries.until IS NULL OR entries.until > $now)`
const INCREMENT = `
  INSERT INTO entries VALUES ($key, '1', $until)
  ON CONFLICT DO UPDATE SET
    value = iif(${LIVE}, CAST(CAST(value AS INTEGER) + 1 AS TEXT), '1'),
    until = iif(${LIVE}, until, excluded.until)
  RETURNING value`
const DELETE = 'DELETE FROM entries WHERE key = $key'
const SWEEP =
  'DELETE FROM entries WHERE key IN (SELECT key FROM entries WHERE until <= $now LIMIT $most)'

const SWEEP_ROWS = 1000
const SWEEP_MS = 1000

/** A store in an SQLite database. @throws when the file cannot be used. */
export function sqliteStore({ path, log, now = Date.now }: SqliteStoreOptions): StateStore {
  const db = openDatabase(path)
  const { commit, flush } = groupCommit(db)
  const channels = new EventEmitter().setMaxListeners(0)
  const statements = {
    get: db.prepare(GET),
    set: db.prepare(SET),
    add: db.prepare(ADD),
    increment: db.prepare(INCREMENT),
    delete: db.prepare(DELETE),
    sweep: db.prepare(SWEEP),
  }

  /** A bounded number of rows at a time, so that no request waits for long. */
  const sweeper = setInterval(() => {
    try {
      statements.sweep.run({ $now: now(), $most: SWEEP_ROWS })
    } catch (error) {
      log.warn(`could not drop expired entries: ${String(error)}`)
    }
  }, SWEEP_MS).unref()

  return {
    shared: false,
    durable: true,
    async get(key) {
      const row = statements.get.get({ $key: key, $now: now() })
      return row === undefined ? undefined : String(row['value'])
    },
    async set(key, value, until) {
      const row = { $key: key, $value: value, $until: time(until) }
      await commit(() => statements.set.run(row))
    },
    async add(key, value, until) {
      const row = { $key: key, $value: value, $until: time(until) }
      return await commit(() => Number(statements.add.run({ ...row, $now: now() }).changes) === 1)
    },
    async delete(key) {
      await commit(() => statements.delete.run({ $key: key }))
    },
    async increment(key, until) {
      const row = { $key: key, $until: time(until) }
      return await commit(() =>
        Number(statements.increment.get({ ...row, $now: now() })?.['value']),
      )
    },
    async publish(channel, message) {
      channels.emit(`to ${channel}`, message)
    },
    async subscribe(channel, listener) {
      channels.on(`to ${channel}`, listener)
      return async () => void channels.off(`to ${channel}`, listener)
    },
    async close() {
      clearInterval(sweeper)
      channels.removeAllListeners()
      if (!db.isOpen) return
      flush()
      db.close()
    },
  }
}

/** @throws RangeError for a date that is none, which would be stored as for ever */
function time(until: Date | undefined): number | null {
  const milliseconds = until?.getTime()
  if (Number.isNaN(milliseconds)) throw new RangeError('the date is invalid')
  return milliseconds ?? null
}
