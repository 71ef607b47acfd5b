import { rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import type { StartOptions } from './start-sidecar.ts'

/**
 * A state store as somebody might mount it, which several sidecars share and which a file beside the configuration
 * takes down: `fails` makes every call reject, `hangs` makes every call wait for ever.
 */
const PLUGIN = `
import { existsSync, readFileSync } from 'node:fs'

export default {
  contract: 1,
  options: { '~standard': { version: 1, vendor: 'test', validate: (value) => ({ value }) } },
  setup({ name, trouble, hearsItself = true }, host) {
    const all = (globalThis[Symbol.for('stores of the tests')] ??= new Map())
    if (!all.has(name)) all.set(name, { entries: new Map(), listeners: new Set() })
    const { entries, listeners } = all.get(name)
    const file = host.resolve(trouble)
    const guarded = (call) => async (...args) => {
      const what = existsSync(file) ? readFileSync(file, 'utf8') : ''
      if (what === 'fails' || what === 'fails ' + call.name) throw new Error('the store is down')
      if (what === 'hangs') await new Promise(() => {})
      return call(...args)
    }
    const live = (key) => {
      const entry = entries.get(key)
      return entry && (entry.until === undefined || entry.until > new Date()) ? entry.value : undefined
    }
    const own = new Set()
    return {
      shared: true,
      durable: true,
      get: guarded(function get(key) { return live(key) }),
      set: guarded(function set(key, value, until) { entries.set(key, { value, until }) }),
      add: guarded(function add(key, value, until) {
        if (live(key) !== undefined) return false
        entries.set(key, { value, until })
        return true
      }),
      delete: guarded(function del(key) { entries.delete(key) }),
      increment: guarded(function increment(key, until) {
        const value = String(Number(live(key) ?? 0) + 1)
        entries.set(key, { value, until })
        return Number(value)
      }),
      publish: guarded(function publish(channel, message) {
        for (const one of listeners) {
          if (one.channel === channel && (hearsItself || !own.has(one))) one.listener(message)
        }
      }),
      async subscribe(channel, listener) {
        const one = { channel, listener }
        listeners.add(one)
        own.add(one)
        return async () => void listeners.delete(one)
      },
      async close() { for (const one of own) listeners.delete(one) },
    }
  },
}
`

/**
 * Options for a sidecar that keeps its state in the store of this name.
 * @param hearsItself false: what it publishes does not come back to itself, or much later
 */
export function onStore(
  name: string,
  options: StartOptions = {},
  hearsItself = true,
): StartOptions {
  return {
    ...options,
    settings: {
      plugins: { folders: ['mounted'], timeLimit: '200ms' },
      state: { use: 'shared', name, trouble: 'trouble', hearsItself },
      ...options.settings,
    },
    files: { 'mounted/state-stores/shared.mjs': PLUGIN, ...options.files },
  }
}

/** What ails the store from now on: nothing, all calls, or those of one method. */
export function ail(folder: string, trouble: 'hangs' | 'fails' | `fails ${string}` | undefined) {
  const file = path.join(folder, 'trouble')
  if (trouble === undefined) rmSync(file, { force: true })
  else writeFileSync(file, trouble)
}
