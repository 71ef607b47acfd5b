import { createPrivateKey, randomUUID } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

import { SignJWT } from 'jose'

import type { IssuerSettings } from '../../config/issuers-schema.ts'

export type OurCredentials = NonNullable<IssuerSettings['introspection']>

/** What of a request to an issuer says who we are. */
export interface OurProof {
  readonly headers: Readonly<Record<string, string>>
  readonly form: Readonly<Record<string, string>>
}

export type ProveOurselves = (now: Date) => Promise<OurProof>

const ASSERTION_TYPE = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
/** Seconds. */
const ASSERTION_LIFETIME = 60

/** How we authenticate at an issuer, by each method. @throws when the key cannot be used */
export function proveOurselves(issuer: string, credentials: OurCredentials): ProveOurselves {
  const { clientId, method, secret = '', key = '' } = credentials
  const methods: Readonly<Record<OurCredentials['method'], () => ProveOurselves>> = {
    client_secret_basic: () => {
      const pair = `${formEncoded(clientId)}:${formEncoded(secret)}`
      const authorization = `Basic ${Buffer.from(pair).toString('base64')}`
      return async () => ({ headers: { authorization }, form: {} })
    },
    client_secret_post: () => async () => ({
      headers: {},
      form: { client_id: clientId, client_secret: secret },
    }),
    // The certificate is shown in the handshake.
    tls_client_auth: () => async () => ({ headers: {}, form: { client_id: clientId } }),
    private_key_jwt: () => {
      const privateKey = createPrivateKey(key)
      const algorithm = credentials.algorithm ?? algorithmOf(privateKey)
      return async (now) => ({
        headers: {},
        form: {
          client_id: clientId,
          client_assertion_type: ASSERTION_TYPE,
          client_assertion: await assertion(issuer, credentials, privateKey, algorithm, now),
        },
      })
    },
  }
  return methods[method]()
}

/** RFC 7523 §3, for the issuer alone. */
function assertion(
  issuer: string,
  { clientId, keyId }: OurCredentials,
  key: KeyObject,
  alg: string,
  now: Date,
): Promise<string> {
  const seconds = Math.floor(now.getTime() / 1000)
  return new SignJWT({ jti: randomUUID() })
    .setProtectedHeader({ alg, ...(keyId !== undefined && { kid: keyId }) })
    .setIssuer(clientId)
    .setSubject(clientId)
    .setAudience(issuer)
    .setIssuedAt(seconds)
    .setExpirationTime(seconds + ASSERTION_LIFETIME)
    .sign(key)
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  rsa: 'PS256',
  ed25519: 'EdDSA',
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
}

function algorithmOf({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): string {
  const kind = asymmetricKeyDetails?.namedCurve ?? asymmetricKeyType ?? 'unknown'
  const algorithm = ALGORITHMS[kind]
  if (algorithm === undefined) throw new Error(`a key of type ${kind} cannot sign assertions`)
  return algorithm
}

/** RFC 6749 §2.3.1. */
function formEncoded(text: string): string {
  return new URLSearchParams([['', text]]).toString().slice(1)
}
