import { readFileSync } from 'node:fs'

import type { PluginHost } from '#contract'
import type { createClient } from 'redis'

import type { Options, PasswordReference } from './options.ts'

export type Client = ReturnType<typeof createClient>

/**
 * @returns what makes a client that is not connected yet, tries only once, and queues nothing while it is not connected:
 *   whoever waits for an answer is better told at once. Files are read at each call: they may have been changed.
 */
export async function clientMaker(
  options: Options,
  { resolve }: PluginHost,
): Promise<() => Client> {
  // This plugin is loaded wherever we run, used or not; the package is large.
  const redis = await import('redis')
  const { username, password, database, connectTimeout, maxPending } = options
  const read = (file: string) => readFileSync(resolve(file), 'utf8')
  return () =>
    redis.createClient({
      socket: {
        ...address(options, resolve),
        ...tls(options, read),
        connectTimeout,
        ...ONCE,
      },
      database,
      ...(username !== undefined && { username }),
      ...(password && { password: secret(password, read) }),
      name: 'vouchgate',
      disableOfflineQueue: true,
      commandsQueueMaxLength: maxPending,
      disableClientInfo: true,
      maintNotifications: 'disabled',
    })
}

// The reconnecting is ours: see `keepLink`.
const ONCE = { reconnectStrategy: false } as const

type Read = (file: string) => string

function address({ socket, host, port }: Options, resolve: PluginHost['resolve']) {
  return socket === undefined ? { host, port } : { path: resolve(socket), tls: false as const }
}

function tls({ tls: given, host }: Options, read: Read) {
  if (given === false) return {}
  const { ca, certificate, key, servername = host } = given
  return {
    tls: true as const,
    servername,
    minVersion: 'TLSv1.2' as const,
    ...(ca !== undefined && { ca: read(ca) }),
    ...(certificate !== undefined && { cert: read(certificate) }),
    ...(key !== undefined && { key: read(key) }),
  }
}

function secret(reference: PasswordReference, read: Read): string {
  const [text, name] =
    'env' in reference
      ? [process.env[reference.env] ?? '', `environment variable ${reference.env}`]
      : [read(reference.file).trimEnd(), reference.file]
  if (text === '') throw new Error(`${name} holds no password`)
  return text
}
