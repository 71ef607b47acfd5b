import { constants, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

import { encodeObjectIdentifier } from './der/object-identifier.ts'
import { writeDer } from './der/write-der.ts'

/** A kind of key together with the signature it makes, by its JOSE name (RFC 7518 §3.1, RFC 8037). */
export type KeyAlgorithm =
  | 'ES256'
  | 'ES384'
  | 'ES512'
  | 'RS256'
  | 'RS384'
  | 'RS512'
  | 'PS256'
  | 'PS384'
  | 'PS512'
  | 'EdDSA'

interface SigningAlgorithm {
  readonly curve?: string
  readonly digest: string | undefined
  /** The AlgorithmIdentifier, DER. */
  readonly identifier: Buffer
  readonly options?: { readonly padding: number; readonly saltLength: number }
}

const NULL = writeDer(0x05)

const ecdsa = (curve: string, digest: string, oid: string): SigningAlgorithm => ({
  curve,
  digest,
  identifier: identifier(oid),
})

const pkcs1 = (digest: string, oid: string): SigningAlgorithm => ({
  digest,
  identifier: identifier(oid, NULL),
})

// RFC 4055 §3.1: the hash, MGF1 with the same hash, and as many octets of salt.
const pss = (digest: string, hashOid: string, saltLength: number): SigningAlgorithm => {
  const hash = identifier(hashOid, NULL)
  const parameters = writeDer(
    0x30,
    writeDer(0xa0, hash),
    writeDer(0xa1, identifier('1.2.840.113549.1.1.8', hash)),
    writeDer(0xa2, writeDer(0x02, Buffer.from([saltLength]))),
  )
  return {
    digest,
    identifier: identifier('1.2.840.113549.1.1.10', parameters),
    options: { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength },
  }
}

export const SIGNING_ALGORITHMS: Readonly<Record<KeyAlgorithm, SigningAlgorithm>> = {
  ES256: ecdsa('P-256', 'sha256', '1.2.840.10045.4.3.2'),
  ES384: ecdsa('P-384', 'sha384', '1.2.840.10045.4.3.3'),
  ES512: ecdsa('P-521', 'sha512', '1.2.840.10045.4.3.4'),
  RS256: pkcs1('sha256', '1.2.840.113549.1.1.11'),
  RS384: pkcs1('sha384', '1.2.840.113549.1.1.12'),
  RS512: pkcs1('sha512', '1.2.840.113549.1.1.13'),
  PS256: pss('sha256', '2.16.840.1.101.3.4.2.1', 32),
  PS384: pss('sha384', '2.16.840.1.101.3.4.2.2', 48),
  PS512: pss('sha512', '2.16.840.1.101.3.4.2.3', 64),
  EdDSA: { digest: undefined, identifier: identifier('1.3.101.112') },
}

/** The signature over `data`, as a certificate holds it. */
export function signWith(algorithm: KeyAlgorithm, key: KeyObject, data: Uint8Array): Buffer {
  const { digest, options } = SIGNING_ALGORITHMS[algorithm]
  return sign(digest, data, { key, dsaEncoding: 'der', ...options })
}

function identifier(oid: string, ...parameters: readonly Buffer[]): Buffer {
  return writeDer(
    0x30,
    writeDer(0x06, encodeObjectIdentifier(oid) ?? Buffer.alloc(0)),
    ...parameters,
  )
}
