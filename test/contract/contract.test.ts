import { randomUUID } from 'node:crypto'
import { mkdtempSync, readdirSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import test from 'ava'

import type { Plugin, Slots } from '#contract'

import { redisServer, redisTest } from '../support/redis-server.ts'
import type { RedisServer } from '../support/redis-server.ts'
import { identityHeadersContract } from './identity-headers.ts'
import { parserContract } from './parser.ts'
import { setUp } from './set-up.ts'
import { stateStoreContract } from './state-store.ts'
import { validatorContract } from './validator.ts'

const PLUGINS = new URL('../../plugins/', import.meta.url)

/** Every plugin of a slot with its name, as the host finds them. */
async function pluginsIn<S extends keyof Slots>(slot: S) {
  const folder = new URL(`${slot}/`, PLUGINS)
  const entries = readdirSync(folder, { withFileTypes: true })
  return await Promise.all(
    entries.map(async (entry) => {
      const file = entry.isDirectory() ? `${entry.name}/index.ts` : entry.name
      const module: { readonly default: Plugin<Slots[S], unknown> } = await import(
        new URL(file, folder).href
      )
      return { name: `${slot}/${path.parse(entry.name).name}`, plugin: module.default }
    }),
  )
}

for (const { name, plugin } of await pluginsIn('parsers'))
  parserContract(test, name, () => setUp(plugin))

for (const { name, plugin } of await pluginsIn('validators'))
  validatorContract(test, name, () => setUp(plugin))

for (const { name, plugin } of await pluginsIn('identity-headers'))
  identityHeadersContract(test, name, () => setUp(plugin))

for (const { name, plugin } of await pluginsIn('state-stores'))
  stateStoreContract(name === 'state-stores/redis' ? redisTest(test) : test, name, async (t) => {
    const folder = mkdtempSync(path.join(tmpdir(), 'vouchgate-'))
    const options = await STORE_OPTIONS[name]?.(folder)
    const store = await setUp(plugin, options)
    t.teardown(async () => {
      await store.close()
      rmSync(folder, { recursive: true })
    })
    return store
  })

const STORE_OPTIONS: Readonly<Record<string, (folder: string) => unknown>> = {
  'state-stores/sqlite': (folder) => ({ path: path.join(folder, 'state.db') }),
  // One server for all; a store is empty because nobody else begins its keys so.
  'state-stores/redis': async () => ({ port: (await redis()).port, keyPrefix: randomUUID() }),
}

const endings: (() => unknown)[] = []
let started: Promise<RedisServer> | undefined
const redis = () => (started ??= redisServer({ teardown: (end) => endings.push(end) }))
test.after.always(async () => {
  for (const end of endings) await end()
})
