import { constants, sign } from 'node:crypto'
import type { SignKeyObjectInput } from 'node:crypto'

import type { Signer } from '#contract'

import type { SigningAlgorithm, SigningKey } from './signing-key.ts'

type Key = Pick<SigningKey, 'kid' | 'algorithm' | 'keyObject'>

/** The signer of the plugins, which are set up before there are keys. */
export interface JwtSigner extends Signer {
  /** @param current the key that signs now; asked each time */
  use(current: () => Key): void
}

/** How `node:crypto` makes the signature that JWA asks for (RFC 7518 §3.3–3.5). */
const WAYS: Readonly<Record<SigningAlgorithm, Omit<SignKeyObjectInput, 'key'>>> = {
  ES256: { dsaEncoding: 'ieee-p1363' },
  RS256: {},
  PS256: {
    padding: constants.RSA_PKCS1_PSS_PADDING,
    saltLength: constants.RSA_PSS_SALTLEN_DIGEST,
  },
}

/** A type of its own keeps a statement from being taken for a token (RFC 8725 §3.11). */
const TYPE = /^[a-z0-9][a-z0-9.-]{0,63}\+jwt$/
const TOKENS = new Set(['at+jwt', 'token-introspection+jwt'])

/** Signs at once: WebCrypto, which jose goes through, only answers later and costs four times as much. */
export function jwtSigner(issuer: string): JwtSigner {
  let keyNow: (() => Key) | undefined
  return {
    use(current) {
      keyNow = current
    },
    sign(type, claims) {
      if (!TYPE.test(type) || TOKENS.has(type)) {
        throw new TypeError(`a plugin cannot sign a JWT of the type ${type.slice(0, 70)}`)
      }
      if (!keyNow) throw new Error('there is no key to sign with while plugins are set up')
      const { algorithm, kid, keyObject } = keyNow()
      const header = encode({ alg: algorithm, kid, typ: type })
      const input = `${header}.${encode({ ...claims, iss: issuer })}`
      const signature = sign('sha256', Buffer.from(input), { key: keyObject, ...WAYS[algorithm] })
      return `${input}.${signature.toString('base64url')}`
    },
  }
}

function encode(value: unknown): string {
  return Buffer.from(JSON.stringify(value)).toString('base64url')
}
