import { createPrivateKey } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'

import type { JWK } from 'jose'

import type { NamedFile } from '../certificates/load-listener-certificate.ts'
import type { Fault } from '../errors.ts'
import { signingKey } from './signing-key.ts'
import type { SigningAlgorithm, SigningKey } from './signing-key.ts'

/**
 * Reads signing keys from files, PEM or JWK.
 * @param rsa the algorithm of RSA keys; an EC key on P-256 signs with ES256
 */
export async function loadSigningKeys(
  files: readonly NamedFile[],
  rsa: 'RS256' | 'PS256',
): Promise<{ readonly keys: readonly SigningKey[]; readonly faults: readonly Fault[] }> {
  const keys: SigningKey[] = []
  const faults: Fault[] = []
  for (const { file, at } of files) {
    const read = readKey(file)
    const alg = typeof read === 'string' ? undefined : algorithmOf(read, rsa)
    if (typeof read === 'string' || alg === undefined) {
      const why =
        typeof read === 'string' ? read : 'is neither EC on P-256 nor RSA of 2048 bits or more'
      faults.push({ at, message: `tokens.keys: ${file} ${why}`, severity: 'error' })
    } else {
      keys.push(await signingKey({ ...(read.export({ format: 'jwk' }) as JWK), alg }))
    }
  }
  return { keys, faults }
}

function readKey(file: string): KeyObject | string {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    return `cannot be read: ${(error as NodeJS.ErrnoException).code}`
  }
  try {
    return text.trimStart().startsWith('{')
      ? createPrivateKey({ key: JSON.parse(text) as JWK, format: 'jwk' })
      : createPrivateKey(text)
  } catch {
    // The library's own text may quote what it read, and this is a private key.
    return 'holds no private key, PEM or JWK'
  }
}

function algorithmOf(key: KeyObject, rsa: 'RS256' | 'PS256'): SigningAlgorithm | undefined {
  const { namedCurve, modulusLength = 0 } = key.asymmetricKeyDetails ?? {}
  if (key.asymmetricKeyType === 'ec') return namedCurve === 'prime256v1' ? 'ES256' : undefined
  return key.asymmetricKeyType === 'rsa' && modulusLength >= 2048 ? rsa : undefined
}
