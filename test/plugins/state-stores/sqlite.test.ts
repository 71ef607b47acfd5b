import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { setTimeout as delay } from 'node:timers/promises'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { groupCommit } from '../../../plugins/state-stores/sqlite/group-commit.ts'
import plugin, { sqliteStore } from '../../../plugins/state-stores/sqlite/index.ts'
import { aHost } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const FUTURE = new Date(4e12)

function aFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(path.join(tmpdir(), 'vouchgate-'))
  t.teardown(() => rmSync(folder, { recursive: true }))
  return folder
}

function openStore(t: ExecutionContext, file: string, now?: () => number) {
  const store = sqliteStore({ path: file, log: aHost().log, ...(now && { now }) })
  t.teardown(() => store.close())
  return store
}

function mode(file: string): string {
  return (statSync(file).mode & 0o777).toString(8)
}

test('it says that it is durable and not shared', async (t) => {
  const file = path.join(aFolder(t), 'state.db')
  t.like(openStore(t, file), { shared: false, durable: true })
})

test('the path is an option, relative to the configuration', async (t) => {
  const folder = aFolder(t)
  const host = aHost({ resolve: (relative) => path.join(folder, relative) })
  const store = await setUp(plugin, {}, host)
  t.teardown(() => store.close())
  t.true(statSync(path.join(folder, 'data/state.db')).isFile())
})

test('nobody but the owner can read it', async (t) => {
  const folder = path.join(aFolder(t), 'made')
  const file = path.join(folder, 'state.db')
  const store = openStore(t, file)
  await store.set('a', '1')
  t.is(mode(folder), '700')
  for (const ending of ['', '-wal', '-shm']) t.is(mode(file + ending), '600')
})

test('a file that others can read is closed to them', async (t) => {
  const file = path.join(aFolder(t), 'state.db')
  writeFileSync(file, '', { mode: 0o644 })
  openStore(t, file)
  t.is(mode(file), '600')
})

test('what was set is there after closing and opening', async (t) => {
  const file = path.join(aFolder(t), 'state.db')
  const before = openStore(t, file)
  await before.set('a', '1')
  t.true(await before.add('claim', '', FUTURE))
  t.is(await before.increment('count', FUTURE), 1)
  await before.close()
  const after = openStore(t, file)
  t.is(await after.get('a'), '1')
  t.false(await after.add('claim', '', FUTURE))
  t.is(await after.increment('count', FUTURE), 2)
})

test('what is waiting when it closes is not lost', async (t) => {
  const file = path.join(aFolder(t), 'state.db')
  const before = openStore(t, file)
  const added = before.add('claim', '', FUTURE)
  await before.close()
  t.true(await added)
  t.false(await openStore(t, file).add('claim', '', FUTURE))
})

test('every claim that was answered is there after kill -9', async (t) => {
  const file = path.join(aFolder(t), 'state.db')
  const module = new URL('../../../plugins/state-stores/sqlite/index.ts', import.meta.url).href
  const script = `
    const { sqliteStore } = await import(${JSON.stringify(module)})
    const store = sqliteStore({ path: ${JSON.stringify(file)}, log: console })
    for (let i = 0; ; i += 1) {
      await store.add(String(i), '', new Date(4e12))
      process.stdout.write(i + '\\n')
    }`
  const child = spawn(process.execPath, ['--input-type=module', '--eval', script])
  t.teardown(() => child.kill('SIGKILL'))
  const gone = once(child, 'exit')
  let told = ''
  for await (const chunk of child.stdout) {
    told += String(chunk)
    if (told.split('\n').length > 50) child.kill('SIGKILL')
  }
  await gone
  const answered = told.split('\n').slice(0, -1)
  t.true(answered.length >= 50)
  const store = openStore(t, file)
  const again = await Promise.all(answered.map((key) => store.add(key, '', FUTURE)))
  t.deepEqual(again.filter(Boolean), [])
})

test('two stores on one file agree on who was first', async (t) => {
  const file = path.join(aFolder(t), 'state.db')
  const stores = [openStore(t, file), openStore(t, file)]
  const keys = Array.from({ length: 20 }, (_, index) => String(index))
  const added = await Promise.all(
    keys.map(async (key) => await Promise.all(stores.map((store) => store.add(key, '', FUTURE)))),
  )
  for (const both of added) t.is(both.filter(Boolean).length, 1)
})

test('a value lives until its time and not a millisecond longer', async (t) => {
  let time = 1_000_000
  const store = openStore(t, path.join(aFolder(t), 'state.db'), () => time)
  await store.set('a', '1', new Date(time + 1000))
  time += 999
  t.is(await store.get('a'), '1')
  t.false(await store.add('a', '2', new Date(time + 1000)))
  time += 1
  t.is(await store.get('a'), undefined)
  t.true(await store.add('a', '2', new Date(time + 1000)))
})

test('what has expired leaves the file', async (t) => {
  const file = path.join(aFolder(t), 'state.db')
  const store = openStore(t, file)
  await store.set('lasting', '1')
  await Promise.all(
    Array.from({ length: 50 }, (_, index) => store.set(`brief ${index}`, '1', new Date(1000))),
  )
  const db = new DatabaseSync(file)
  t.teardown(() => db.close())
  const count = () => db.prepare('SELECT count(*) AS n FROM entries').get()?.['n']
  while (count() !== 1) await delay(50)
  t.is(await store.get('lasting'), '1')
})

test('when a write fails its whole group is refused, and the next one works', async (t) => {
  const db = new DatabaseSync(path.join(aFolder(t), 'some.db'))
  t.teardown(() => db.close())
  db.exec('CREATE TABLE numbers (n INTEGER PRIMARY KEY)')
  const { commit } = groupCommit(db)
  const insert = (n: number) => commit(() => db.prepare('INSERT INTO numbers VALUES (?)').run(n))
  const outcomes = await Promise.allSettled([insert(1), insert(2), insert(1)])
  t.deepEqual(
    outcomes.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  )
  await Promise.all([insert(1), insert(3)])
  t.deepEqual(
    db
      .prepare('SELECT n FROM numbers ORDER BY n')
      .all()
      .map(({ n }) => n),
    [1, 3],
  )
})

test('a file that is no database, or that a later version wrote, is an error that names it', (t) => {
  const file = path.join(aFolder(t), 'state.db')
  writeFileSync(file, 'this is no database '.repeat(100))
  t.throws(() => openStore(t, file), { message: /state\.db: file is not a database/ })
  const later = path.join(aFolder(t), 'later.db')
  const db = new DatabaseSync(later)
  db.exec('PRAGMA user_version = 2')
  db.close()
  t.throws(() => openStore(t, later), { message: /later\.db: was written by a later version/ })
})
