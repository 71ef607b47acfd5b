import { constants, verify } from 'node:crypto'
import { contextTag, DerReader, expectTag, tags } from './der.ts'
import type { DerElement } from './der.ts'
import { readCount, readOid } from './der-values.ts'
import { loadPublicKey } from './public-key.ts'
import type { KeyKind, PublicKey } from './public-key.ts'

/** An AlgorithmIdentifier of a signature. */
export interface SignatureAlgorithm {
  /** For a refusal: `rsa-sha1`, or the object identifier. */
  readonly name: string
  /** Key kinds that can make it; none: not accepted. */
  readonly keys: readonly KeyKind[]
  /** For node:crypto; undefined when the signature does its own hashing. */
  readonly digest?: string
  /** RSA-PSS (RFC 4055 §3.1); the mask uses the same digest. */
  readonly saltLength?: number
  /** Accepted only where SHA-1 is explicitly allowed. */
  readonly legacy?: boolean
}

const rsa: readonly KeyKind[] = ['rsa']
const ec: readonly KeyKind[] = ['ec']

const fixed: Readonly<Record<string, SignatureAlgorithm>> = {
  '1.2.840.113549.1.1.5': { name: 'rsa-sha1', keys: rsa, digest: 'sha1', legacy: true },
  '1.2.840.113549.1.1.11': { name: 'rsa-sha256', keys: rsa, digest: 'sha256' },
  '1.2.840.113549.1.1.12': { name: 'rsa-sha384', keys: rsa, digest: 'sha384' },
  '1.2.840.113549.1.1.13': { name: 'rsa-sha512', keys: rsa, digest: 'sha512' },
  '1.2.840.10045.4.1': { name: 'ecdsa-sha1', keys: ec, digest: 'sha1', legacy: true },
  '1.2.840.10045.4.3.2': { name: 'ecdsa-sha256', keys: ec, digest: 'sha256' },
  '1.2.840.10045.4.3.3': { name: 'ecdsa-sha384', keys: ec, digest: 'sha384' },
  '1.2.840.10045.4.3.4': { name: 'ecdsa-sha512', keys: ec, digest: 'sha512' },
  '1.3.101.112': { name: 'ed25519', keys: ['ed25519'] },
}

const rsaPss = '1.2.840.113549.1.1.10'
const mgf1 = '1.2.840.113549.1.1.8'

const digests: Readonly<Record<string, string>> = {
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

/** Reads an AlgorithmIdentifier. One that is not accepted is no fault, it has no `keys`. @throws DerFault */
export function readSignatureAlgorithm(element: DerElement): SignatureAlgorithm {
  const reader = new DerReader(expectTag(element, tags.sequence))
  const oid = readOid(reader.take(tags.oid))
  const parameters = reader.done ? undefined : reader.next()
  reader.finish()
  if (oid === rsaPss && parameters?.tag === tags.sequence) return readPss(parameters)
  const algorithm = fixed[oid]
  // RSA has NULL there, and by a common mistake nothing; the others have nothing (RFC 5758, RFC 8410).
  const fits =
    parameters === undefined ||
    (algorithm?.keys === rsa &&
      parameters.tag === tags.null &&
      parameters.content === parameters.end)
  return algorithm !== undefined && fits ? algorithm : { name: oid, keys: [] }
}

function readPss(parameters: DerElement): SignatureAlgorithm {
  const reader = new DerReader(parameters)
  const hash = digestOf(explicit(reader, 0))
  const mask = explicit(reader, 1)
  const salt = explicit(reader, 2)
  const trailer = explicit(reader, 3)
  reader.finish()

  const saltLength = salt === undefined ? 20 : readCount(salt)
  const maskDigest = mask === undefined ? undefined : maskDigestOf(mask)
  const sound =
    hash !== undefined &&
    hash === maskDigest &&
    saltLength <= 64 &&
    (trailer === undefined || readCount(trailer) === 1)
  if (!sound) return { name: 'rsa-pss', keys: [] }
  return { name: `rsa-pss-${hash}`, keys: ['rsa', 'rsa-pss'], digest: hash, saltLength }
}

function explicit(reader: DerReader, number: number): DerElement | undefined {
  const outer = reader.optional(contextTag(number, true))
  if (outer === undefined) return undefined
  const inner = new DerReader(outer)
  const element = inner.next()
  inner.finish()
  return element
}

function digestOf(algorithm: DerElement | undefined): string | undefined {
  if (algorithm?.tag !== tags.sequence) return undefined
  return digests[readOid(new DerReader(algorithm).take(tags.oid))]
}

function maskDigestOf(algorithm: DerElement): string | undefined {
  if (algorithm.tag !== tags.sequence) return undefined
  const reader = new DerReader(algorithm)
  return readOid(reader.take(tags.oid)) === mgf1 && !reader.done
    ? digestOf(reader.next())
    : undefined
}

/** Something signed: a certificate, a CRL, an OCSP response. */
export interface Signed {
  readonly tbs: Uint8Array
  readonly signatureAlgorithm: SignatureAlgorithm
  readonly signature: Uint8Array
}

/** Whether the algorithm may be used at all, whoever signed. */
export function isAcceptedAlgorithm(algorithm: SignatureAlgorithm, allowSha1: boolean): boolean {
  return algorithm.keys.length > 0 && (allowSha1 || algorithm.legacy !== true)
}

/** Whether the key made the signature. The strength of neither is judged here. */
export function isSignedBy(signed: Signed, key: PublicKey): boolean {
  const { digest, saltLength, keys } = signed.signatureAlgorithm
  if (!keys.includes(key.kind)) return false
  const object = loadPublicKey(key)
  if (object === undefined) return false
  const pss =
    saltLength === undefined ? {} : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
  try {
    return verify(digest, signed.tbs, { key: object, ...pss }, signed.signature)
  } catch {
    return false
  }
}
