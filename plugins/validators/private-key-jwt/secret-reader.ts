import { readFileSync } from 'node:fs'

import type { Consideration, PluginHost, Secret, SecretInspection } from '#contract'

import { CHAIN_SECRET_TYPES, readChainSecret } from './chain-secret.ts'
import type { ChainSecretReading } from './chain-secret.ts'
import { fetchKeysBy } from './fetch-keys.ts'
import type { ChainCandidate } from './find-chain-signer.ts'
import type { Candidate } from './find-signer.ts'
import { KEY_SECRET_TYPES, readKeyHolders, readPublishedKeys } from './key-holder.ts'
import type { HolderReading } from './key-holder.ts'
import type { Options, Rules } from './options.ts'
import { readKeyAddress } from './read-key-address.ts'
import type { KeyAddressReading } from './read-key-address.ts'
import { publishedSet } from './remote-keys.ts'
import type { PublishedSet } from './remote-keys.ts'

/** The secrets of all types, each read once. */
export interface SecretReader {
  inspect(secret: Secret): SecretInspection
  /** The keys in question, those that a client publishes among them. */
  candidates(
    secrets: readonly Secret[],
    kid: unknown,
    now: Date,
  ): Promise<{
    readonly candidates: readonly Candidate[]
    readonly unavailable: readonly Consideration[]
  }>
  chainSecrets(secrets: readonly Secret[]): readonly ChainCandidate[]
}

/** An attempt asks for so many published sets at most. */
const MAX_SETS = 4

export function secretReader(
  remote: Options['jwksUri'],
  rules: Rules,
  host: PluginHost,
): SecretReader {
  const ca = remote.ca === undefined ? undefined : readFileSync(host.resolve(remote.ca), 'utf8')
  const fetch = fetchKeysBy({ ...remote, ca })
  const holders = remembered((secret): HolderReading => readKeyHolders(secret, rules))
  const chains = remembered((secret): ChainSecretReading => readChainSecret(secret, host))
  const addresses = remembered((secret): KeyAddressReading => readKeyAddress(secret, remote.hosts))
  const published = new WeakMap<PublishedSet, Map<Secret, HolderReading>>()

  const readPublished = (set: PublishedSet, secret: Secret, address: KeyAddressReading) => {
    const readings = published.get(set) ?? new Map<Secret, HolderReading>()
    published.set(set, readings)
    const before = readings.get(secret)
    if (before) return before
    const said = address.ok ? address.said : {}
    const reading = readPublishedKeys(set.text, rules, said)
    readings.set(secret, reading)
    return reading
  }
  const publishedBy = async (secret: Secret, kid: unknown, now: Date) => {
    const address = addresses(secret)
    if (!address.ok) return { secret, reason: 'jwks-unavailable' }
    const set = await publishedSet(address.url, kid, now.getTime(), remote, fetch)
    if ('ok' in set) return { secret, ...set }
    const reading = readPublished(set, secret, address)
    if (!reading.ok) return { secret, reason: 'jwks-unavailable', got: reading.fault }
    return reading.holders.map((holder): Candidate => ({ secret, holder }))
  }

  return {
    inspect(secret) {
      if (CHAIN_SECRET_TYPES.includes(secret.type)) return faultOf(chains(secret))
      if (secret.type === 'JWKSUri') return faultOf(addresses(secret))
      const reading = holders(secret)
      if (!reading.ok) return { fault: reading.fault }
      const warning = reading.holders.find((holder) => holder.warning !== undefined)?.warning
      const kids = reading.holders.flatMap(({ kid }) => kid ?? [])
      return {
        ...(warning !== undefined && { warning }),
        ...(kids.length > 0 && { identifiers: kids.map((kid) => `kid ${kid.slice(0, 200)}`) }),
      }
    },
    async candidates(secrets, kid, now) {
      const own = secrets
        .filter(({ type }) => KEY_SECRET_TYPES.includes(type))
        .flatMap((secret) => {
          const reading = holders(secret)
          return reading.ok ? reading.holders.map((holder) => ({ secret, holder })) : []
        })
      const remotely = secrets.filter(({ type }) => type === 'JWKSUri').slice(0, MAX_SETS)
      const found = await Promise.all(remotely.map((secret) => publishedBy(secret, kid, now)))
      return {
        candidates: [...own, ...found.flatMap((one) => (Array.isArray(one) ? one : []))],
        unavailable: found.flatMap((one) => (Array.isArray(one) ? [] : [one])),
      }
    },
    chainSecrets: (secrets) =>
      secrets.flatMap((secret) => {
        if (!CHAIN_SECRET_TYPES.includes(secret.type)) return []
        const reading = chains(secret)
        return reading.ok ? [{ ...reading, secret }] : []
      }),
  }
}

function remembered<T extends object>(read: (secret: Secret) => T): (secret: Secret) => T {
  const known = new WeakMap<Secret, T>()
  return (secret) => {
    const before = known.get(secret)
    if (before) return before
    const reading = read(secret)
    known.set(secret, reading)
    return reading
  }
}

function faultOf(reading: ChainSecretReading | KeyAddressReading): SecretInspection {
  if (reading.ok) return {}
  const { fault } = reading
  const faultIn = 'faultIn' in reading ? reading.faultIn : undefined
  return { fault, ...(faultIn !== undefined && { faultIn }) }
}
