import type { AltNameType, NameReading, PeerCertificate, PluginHost, Secret } from '#contract'

import { readKeyProperties } from './key-holder.ts'
import type { AlgorithmName } from './algorithms.ts'
import { KeyFault } from './public-key.ts'

/** A secret that names a certificate, or whoever may issue it, and no key. */
export interface ChainSecret {
  readonly ok: true
  /** The set of anchors that counts for it; absent: the default one. */
  readonly anchors?: string
  /** Absent: those of the options. */
  readonly algorithms?: readonly AlgorithmName[]
  /** Whether a certificate is one that it means. */
  fits(leaf: PeerCertificate): boolean
}

export type ChainSecretReading =
  | ChainSecret
  | { readonly ok: false; readonly fault: string; readonly faultIn?: string }

type Fits = ChainSecret['fits']
type Reader = (secret: Secret, host: PluginHost) => Fits

const READERS: Readonly<Record<string, Reader>> = {
  X509Name: ({ value }, { names }) => {
    const key = keyOf(names.read(value))
    return ({ subject }) => subject.key === key
  },
  X509IssuerSubject: ({ value, properties: { issuer } }, { names }) => {
    const key = keyOf(names.read(value))
    const by = keyOf(names.read(typeof issuer === 'string' ? issuer : ''), 'issuer')
    return (leaf) => leaf.subject.key === key && leaf.issuer.key === by
  },
  X509SanDns: altName('dns'),
  X509SanUri: altName('uri'),
  X509SanIp: altName('ip'),
  X509SanEmail: altName('email'),
  // Whoever holds a certificate of these authorities may act for the client, whatever it is called.
  X509Anchor: () => () => true,
}

/** The secret types that need a chain. */
export const CHAIN_SECRET_TYPES = Object.keys(READERS)

/** The names of the properties that such a secret may have. */
export const CHAIN_SECRET_PROPERTIES = ['anchors', 'issuer']

const MAX_LENGTH = 4096

/** Reads a secret of one of these types. */
export function readChainSecret(secret: Secret, host: PluginHost): ChainSecretReading {
  const { type, value, properties } = secret
  const anchors = type === 'X509Anchor' ? value : properties['anchors']
  try {
    if (value.length > MAX_LENGTH) throw new KeyFault(`longer than ${MAX_LENGTH} characters`)
    const { algorithms } = readKeyProperties(secret)
    const fits = READERS[type]?.(secret, host)
    if (!fits) throw new KeyFault(`secrets of type ${type} name no certificate`)
    if (anchors !== undefined && !host.anchorSets.some((name) => name === anchors)) {
      const known = host.anchorSets.join(', ').slice(0, 500)
      const fault = `there is no such set of anchors; there is ${known}`
      return { ok: false, fault, faultIn: type === 'X509Anchor' ? 'value' : 'anchors' }
    }
    return {
      ok: true,
      fits,
      ...(typeof anchors === 'string' && { anchors }),
      ...(algorithms && { algorithms }),
    }
  } catch (error) {
    if (error instanceof NameFault) return { ok: false, fault: error.message, faultIn: error.at }
    if (error instanceof KeyFault) return { ok: false, fault: error.message }
    throw error
  }
}

class NameFault extends Error {
  override readonly name = 'NameFault'
  readonly at: string

  constructor(fault: string, at: string) {
    super(fault)
    this.at = at
  }
}

function altName(type: AltNameType): Reader {
  return ({ value }, { names }) => {
    const key = keyOf(names.readAltName(type, value))
    return ({ subjectAltNames }) => subjectAltNames.some((name) => name.key === key)
  }
}

function keyOf(reading: NameReading, at = 'value'): string {
  if (reading.ok) return reading.key
  throw new NameFault(reading.fault, at)
}
