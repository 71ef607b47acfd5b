import { readFileSync, statSync } from 'node:fs'

import type { PluginHost } from '#contract'

import { fetchKeysBy } from '../private-key-jwt/fetch-keys.ts'
import { publishedSet } from '../private-key-jwt/remote-keys.ts'
import type { Failure, PublishedSet } from '../private-key-jwt/remote-keys.ts'
import type { IssuerOptions } from './options.ts'
import { readBundle } from './read-bundle.ts'
import type { BundleKey } from './read-bundle.ts'

/** The keys of one issuer, as the operator says where they are. */
export type KeySource = (kid: unknown, now: Date) => Promise<readonly BundleKey[] | Failure>

/** @throws when the keys are in a file and cannot be read */
export function keySource(jwks: IssuerOptions['jwks'], host: PluginHost): KeySource {
  const { file, uri } = jwks
  if (file !== undefined) return fromFile(host.resolve(file), host)
  return fromServer(new URL(uri ?? ''), jwks, host)
}

const MAX_BYTES = 1_048_576

/** Looks at the file each time, and reads it when it has changed; one that went bad leaves the keys as they were. */
function fromFile(file: string, { log }: PluginHost): KeySource {
  const versionOf = () => {
    const { mtimeMs, size, ino } = statSync(file)
    if (size > MAX_BYTES) throw new Error(`has more than ${MAX_BYTES} bytes`)
    return `${ino} ${size} ${mtimeMs}`
  }
  const read = () => {
    const keys = readBundle(readFileSync(file, 'utf8'))
    if (!keys) throw new Error('holds no key that can be used')
    return keys
  }
  const start = () => {
    try {
      return { version: versionOf(), keys: read() }
    } catch (error) {
      throw new Error(`${file}: ${reasonOf(error)}`, { cause: error })
    }
  }
  let { version, keys } = start()
  let told = ''
  return async () => {
    try {
      const present = versionOf()
      if (present !== version) {
        keys = read()
        version = present
        told = ''
      }
    } catch (error) {
      const what = reasonOf(error)
      if (what !== told) log.warn(`${file}: ${what}; the keys from before go on counting`)
      told = what
    }
    return keys
  }
}

const RULES = { maxAge: 300, minInterval: 10, keepFor: 3600 }
const LIMITS = { timeout: 5, maxBytes: 262_144 }

function fromServer(
  url: URL,
  { ca, tokenFile }: IssuerOptions['jwks'],
  { resolve }: PluginHost,
): KeySource {
  const fetch = async (from: URL) => {
    try {
      // Both change while we run.
      const authorities = ca === undefined ? undefined : readFileSync(resolve(ca), 'utf8')
      const token = tokenFile === undefined ? undefined : readFileSync(resolve(tokenFile), 'utf8')
      return await fetchKeysBy({
        ...LIMITS,
        ca: authorities,
        ...(token !== undefined && { authorization: `Bearer ${token.trim()}` }),
      })(from)
    } catch (error) {
      return { ok: false, reason: 'jwks-unavailable', got: reasonOf(error) } as const
    }
  }
  const read = new WeakMap<PublishedSet, readonly BundleKey[]>()
  return async (kid, now) => {
    const set = await publishedSet(url, kid, now.getTime(), RULES, fetch)
    if ('ok' in set) return set
    const keys = read.get(set) ?? readBundle(set.text) ?? []
    read.set(set, keys)
    return keys
  }
}

function reasonOf(error: unknown): string {
  return error instanceof Error ? error.message : 'it cannot be read'
}
