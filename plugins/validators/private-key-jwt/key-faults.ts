import type { KeyObject } from 'node:crypto'

import type { KeyFamily } from './algorithms.ts'

type KeyReading =
  | { readonly ok: true; readonly family: KeyFamily }
  | { readonly ok: false; readonly fault: string }

const CURVES: Readonly<Record<string, KeyFamily>> = {
  prime256v1: 'P-256',
  secp384r1: 'P-384',
  secp521r1: 'P-521',
}

/** Which family a public key belongs to, or why it is not to be relied on. */
export function classifyKey(key: KeyObject): KeyReading {
  const { asymmetricKeyType: type, asymmetricKeyDetails: details } = key
  if (type === 'ed25519') return { ok: true, family: 'Ed25519' }
  if (type === 'ec') {
    // Explicit curve parameters have no name and are refused with the unknown curves.
    const family = CURVES[details?.namedCurve ?? '']
    return family
      ? { ok: true, family }
      : { ok: false, fault: 'its curve is not P-256, P-384 or P-521' }
  }
  if (type !== 'rsa') return { ok: false, fault: `keys of type ${type} are not supported` }
  const fault = rsaFault(details?.modulusLength ?? 0, details?.publicExponent ?? 0n, modulusOf(key))
  return fault === undefined ? { ok: true, family: 'RSA' } : { ok: false, fault }
}

function rsaFault(bits: number, exponent: bigint, modulus: bigint): string | undefined {
  if (bits < 2048) return `its RSA modulus has ${bits} bits; at least 2048 are needed`
  if (bits > 8192) return `its RSA modulus has ${bits} bits; at most 8192 are allowed`
  if (exponent < 65_537n || exponent % 2n === 0n)
    return 'its RSA exponent is weak; it must be odd and at least 65537'
  if (modulus % 2n === 0n) return 'its RSA modulus is even'
  return isRoca(modulus) ? 'its RSA modulus bears the mark of CVE-2017-15361 (ROCA)' : undefined
}

function modulusOf(key: KeyObject): bigint {
  const { n } = key.export({ format: 'jwk' })
  return BigInt(`0x${Buffer.from(String(n), 'base64url').toString('hex')}`)
}

const ROCA_PRIMES = [11, 13, 17, 19, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157]

/** The faulty generator made primes of which 65537 generates the residues; so then for their product. */
function isRoca(modulus: bigint): boolean {
  return ROCA_PRIMES.every((prime) => {
    const residue = Number(modulus % BigInt(prime))
    for (let power = 1, step = 0; step < prime; step += 1, power = (power * 65_537) % prime)
      if (power === residue) return true
    return false
  })
}
