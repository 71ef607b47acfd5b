import type { PluginHost, StateStore, StateStorePlugin } from '#contract'

import { clientMaker } from './connect-client.ts'
import { keepLink } from './keep-link.ts'
import type { Link } from './keep-link.ts'
import { options } from './options.ts'
import type { Options } from './options.ts'
import { serverNotes } from './server-notes.ts'
import { subscriptions } from './subscriptions.ts'

/** Redis 7 or Valkey: several replicas see the same state. */
export default {
  contract: 1,
  options,
  setup: redisStore,
} satisfies StateStorePlugin<Options>

/** How long a server that is not there yet is waited for at the start. Milliseconds. */
const START = 5000

/** Atomic on the server. A counter that is there keeps the end that it has, also when that is none. */
const INCREMENT = `
  local new = redis.call('EXISTS', KEYS[1]) == 0
  local count = redis.call('INCR', KEYS[1])
  if new then redis.call('PEXPIREAT', KEYS[1], ARGV[1]) end
  return count`

/**
 * A store in Redis: one connection for commands, one for messages.
 * While either is down `onConnection` says so; commands fail at once, subscriptions are renewed.
 * @throws when the server cannot be reached
 */
export async function redisStore(given: Options, host: PluginHost): Promise<StateStore> {
  const { keyPrefix, database, connectTimeout, commandTimeout } = given
  const create = await clientMaker(given, host)
  const limits = { create, connectTimeout, commandTimeout }
  const listeners = new Set<(connected: boolean) => void>()
  const state = { commands: false, messages: true }
  const change = (name: keyof typeof state, what: string) => (up: boolean, why: string) => {
    const before = state.commands && state.messages
    state[name] = up
    if (up) host.log.info(`Redis is there for ${what}`)
    else host.log.warn(`Redis is gone for ${what}: ${why}`)
    const after = state.commands && state.messages
    if (before !== after) for (const listener of listeners) listener(after)
  }

  const commands = keepLink({ ...limits, onChange: change('commands', 'commands') })
  try {
    await commands.waitUntilUp(START)
  } catch (error) {
    commands.close()
    const where = given.socket ?? `${given.host}:${given.port}`
    const why = error instanceof Error ? error.message : 'unknown'
    throw new Error(`Redis at ${where} cannot be used: ${why}`, { cause: error })
  }
  commands.run(serverNotes).then(
    (notes) => {
      for (const note of notes) host.log.warn(note)
    },
    () => undefined,
  )

  const subscribed = subscriptions(host.log)
  let messages: Link | undefined
  let firstUp: Promise<void> | undefined
  const openMessages = () => {
    state.messages = false
    const onChange = change('messages', 'messages')
    return keepLink({ ...limits, prepare: subscribed.renew, onChange })
  }
  const named = (key: string) => keyPrefix + key
  // Channels know no databases.
  const channelOf = (channel: string) => `${keyPrefix}${database}:${channel}`

  return {
    shared: true,
    durable: true,
    onConnection(listener) {
      listeners.add(listener)
    },
    get: (key) => commands.run(async (client) => (await client.get(named(key))) ?? undefined),
    async set(key, value, until) {
      const expiry = expiryOf(until)
      await commands.run((client) => client.set(named(key), value, expiry))
    },
    async add(key, value, until) {
      const expiry = { condition: 'NX', ...expiryOf(until) } as const
      return (await commands.run((client) => client.set(named(key), value, expiry))) === 'OK'
    },
    async delete(key) {
      await commands.run((client) => client.del(named(key)))
    },
    async increment(key, until) {
      const call = { keys: [named(key)], arguments: [String(time(until))] }
      return Number(await commands.run((client) => client.eval(INCREMENT, call)))
    },
    async publish(channel, message) {
      await commands.run((client) => client.publish(channelOf(channel), message))
    },
    async subscribe(channel, listener) {
      messages ??= openMessages()
      firstUp ??= messages.waitUntilUp(connectTimeout).catch(() => undefined)
      await firstUp
      return subscribed.add(messages, channelOf(channel), listener)
    },
    async close() {
      listeners.clear()
      messages?.close()
      commands.close()
    },
  }
}

function expiryOf(until: Date | undefined) {
  return until ? { expiration: { type: 'PXAT' as const, value: time(until) } } : {}
}

/** Redis takes no moment before 1970. @throws RangeError for a date that is none */
function time(until: Date): number {
  const milliseconds = until.getTime()
  if (Number.isNaN(milliseconds)) throw new RangeError('the date is invalid')
  return Math.max(1, Math.floor(milliseconds))
}
