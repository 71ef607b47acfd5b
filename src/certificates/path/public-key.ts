import { createPublicKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { DerFault, DerReader, encodingOf, readWhole, tags } from './der.ts'
import type { DerElement } from './der.ts'
import { readIntegerOctets, readOctetAlignedBits, readOid } from './der-values.ts'

export type KeyKind = 'rsa' | 'rsa-pss' | 'ec' | 'ed25519' | 'other'

/** A SubjectPublicKeyInfo. */
export interface PublicKey {
  readonly kind: KeyKind
  /** The SubjectPublicKeyInfo, DER. A view. */
  readonly spki: Uint8Array
  /** The octets of the key itself, of which OCSP takes the hash. A view. */
  readonly bits: Uint8Array
  /** Kind and size, for a refusal: `rsa-1024`. */
  readonly name: string
  /** Why the key is not accepted, in words; absent when it is. */
  readonly weakness?: string
}

const rsaLimits = { least: 2048, most: 8192, exponentOctets: 8 }

const curves: Readonly<Record<string, string>> = {
  '1.2.840.10045.3.1.7': 'P-256',
  '1.3.132.0.34': 'P-384',
  '1.3.132.0.35': 'P-521',
}

type Assessment = Pick<PublicKey, 'kind' | 'name' | 'weakness'>
type Assess = (parameters: DerElement | undefined, bits: Uint8Array) => Assessment

const algorithms: Readonly<Record<string, Assess>> = {
  '1.2.840.113549.1.1.1': (_, bits) => assessRsa('rsa', bits),
  '1.2.840.113549.1.1.10': (_, bits) => assessRsa('rsa-pss', bits),
  '1.2.840.10045.2.1': assessEc,
  '1.3.101.112': (parameters, bits) => ({
    kind: 'ed25519',
    name: 'ed25519',
    ...(parameters === undefined && bits.length === 32 ? {} : { weakness: 'malformed key' }),
  }),
}

/** Reads a SubjectPublicKeyInfo and judges the key (RSA from 2048 bits, named curves, Ed25519). @throws DerFault */
export function readPublicKey(element: DerElement): PublicKey {
  const reader = new DerReader(element)
  const algorithm = new DerReader(reader.take(tags.sequence))
  const oid = readOid(algorithm.take(tags.oid))
  const parameters = algorithm.done ? undefined : algorithm.next()
  algorithm.finish()
  const bits = readOctetAlignedBits(reader.take(tags.bitString))
  reader.finish()

  const assess = algorithms[oid]
  const assessment = assess
    ? assess(parameters, bits)
    : { kind: 'other' as const, name: oid, weakness: 'algorithm is not accepted' }
  return { ...assessment, spki: encodingOf(element), bits }
}

function assessRsa(kind: 'rsa' | 'rsa-pss', bits: Uint8Array): Assessment {
  const reader = new DerReader(readWhole(bits, tags.sequence))
  const modulus = readMagnitude(reader.take(tags.integer))
  const exponent = readMagnitude(reader.take(tags.integer))
  reader.finish()
  const size = modulus.length * 8 - Math.clz32(modulus[0] ?? 0) + 24
  const name = `${kind}-${size}`
  const faults: Readonly<Record<string, boolean>> = {
    'key size': size < rsaLimits.least || size > rsaLimits.most || size % 8 !== 0,
    'public exponent':
      exponent.length > rsaLimits.exponentOctets || isEven(exponent) || isOne(exponent),
    'even modulus': isEven(modulus),
  }
  const weakness = Object.keys(faults).find((fault) => faults[fault])
  return weakness === undefined ? { kind, name } : { kind, name, weakness }
}

function isEven(magnitude: Uint8Array): boolean {
  return (magnitude.at(-1) ?? 0) % 2 === 0
}

function isOne(magnitude: Uint8Array): boolean {
  return magnitude.length === 1 && magnitude[0] === 1
}

function readMagnitude(element: DerElement): Uint8Array {
  const octets = readIntegerOctets(element)
  if ((octets[0] ?? 0) > 0x7f) throw new DerFault('negative key')
  return octets[0] === 0 ? octets.subarray(1) : octets
}

function assessEc(parameters: DerElement | undefined): Assessment {
  if (parameters?.tag !== tags.oid) {
    return { kind: 'ec', name: 'ec', weakness: 'curve is not named' }
  }
  const oid = readOid(parameters)
  const curve = curves[oid]
  const name = curve ?? `ec-${oid}`
  return { kind: 'ec', name, ...(curve === undefined && { weakness: 'curve is not accepted' }) }
}

const loaded = new WeakMap<PublicKey, KeyObject | 'unusable'>()

/** The key as OpenSSL loads it, once for each value; undefined when it refuses it: a point off the curve. */
export function loadPublicKey(key: PublicKey): KeyObject | undefined {
  let object = loaded.get(key)
  if (object === undefined) {
    object = loadSpki(key.spki)
    loaded.set(key, object)
  }
  return object === 'unusable' ? undefined : object
}

function loadSpki(spki: Uint8Array): KeyObject | 'unusable' {
  try {
    return createPublicKey({ key: Buffer.from(spki), format: 'der', type: 'spki' })
  } catch {
    return 'unusable'
  }
}
