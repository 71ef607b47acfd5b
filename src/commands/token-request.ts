import { createPrivateKey, randomUUID } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { request as httpsRequest } from 'node:https'

import { SignJWT } from 'jose'

/** TLS material for talking to a token endpoint, PEM. */
export interface TlsFiles {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
}

export interface HttpAnswer {
  readonly status: number
  readonly requestId: string | undefined
  readonly body: string
}

const MAX_BODY = 1024 * 1024
const TIME_LIMIT = 15_000

/** One HTTPS request with a text answer. @throws on anything but an answer */
export function httpsText(
  url: string,
  tls: TlsFiles,
  post?: { readonly form: URLSearchParams; readonly headers: Readonly<Record<string, string>> },
): Promise<HttpAnswer> {
  const { promise, resolve, reject } = Promise.withResolvers<HttpAnswer>()
  const body = post?.form.toString()
  const headers = {
    accept: 'application/json',
    ...post?.headers,
    ...(body !== undefined && {
      'content-type': 'application/x-www-form-urlencoded',
      'content-length': String(Buffer.byteLength(body)),
    }),
  }
  const method = post ? 'POST' : 'GET'
  const options = { method, headers, ...tls, agent: false as const, timeout: TIME_LIMIT }
  const request = httpsRequest(url, options, (response) => {
    let text = ''
    response.setEncoding('utf8')
    response.on('data', (chunk: string) => {
      text += chunk
      if (text.length > MAX_BODY) request.destroy(new Error('the answer is too large'))
    })
    response.on('end', () => {
      const requestId = response.headers['x-request-id']
      resolve({
        status: response.statusCode ?? 0,
        requestId: typeof requestId === 'string' ? requestId : undefined,
        body: text,
      })
    })
  })
  request.on('timeout', () => request.destroy(new Error(`no answer in ${TIME_LIMIT / 1000} s`)))
  request.on('error', reject)
  request.end(body)
  return promise
}

/** What a client has to prove itself with. */
export interface Proof {
  readonly method: string
  readonly clientId: string
  readonly secret?: string
  /** A private key: PEM or JWK. */
  readonly assertionKey?: string
  readonly algorithm?: string | undefined
  /** `aud` of the assertion. */
  readonly audience: string
  readonly now: Date
}

type Fields = { readonly form: Record<string, string>; readonly headers: Record<string, string> }

const FORM_ENCODED = (text: string) => new URLSearchParams([['', text]]).toString().slice(1)

/** How each method puts its proof into a token request. */
export const METHODS: Readonly<Record<string, (proof: Proof) => Fields | Promise<Fields>>> = {
  client_secret_basic: ({ clientId, secret = '' }) => {
    const pair = `${FORM_ENCODED(clientId)}:${FORM_ENCODED(secret)}`
    return { form: {}, headers: { authorization: `Basic ${Buffer.from(pair).toString('base64')}` } }
  },
  client_secret_post: ({ clientId, secret = '' }) => {
    return { form: { client_id: clientId, client_secret: secret }, headers: {} }
  },
  tls_client_auth: ({ clientId }) => ({ form: { client_id: clientId }, headers: {} }),
  self_signed_tls_client_auth: ({ clientId }) => ({ form: { client_id: clientId }, headers: {} }),
  private_key_jwt: async (proof) => ({
    form: {
      client_assertion_type: 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer',
      client_assertion: await assertion(proof),
    },
    headers: {},
  }),
}

async function assertion(proof: Proof): Promise<string> {
  const { clientId, audience, now } = proof
  const { key, kid } = privateKey(proof.assertionKey ?? '')
  return new SignJWT({ iss: clientId, sub: clientId, aud: audience, jti: randomUUID() })
    .setProtectedHeader({
      alg: proof.algorithm ?? defaultAlgorithm(key),
      typ: 'client-authentication+jwt',
      ...(kid !== undefined && { kid }),
    })
    .setIssuedAt(now)
    .setExpirationTime(Math.floor(now.getTime() / 1000) + 60)
    .sign(key)
}

function privateKey(text: string): { readonly key: KeyObject; readonly kid?: string } {
  if (!text.trimStart().startsWith('{')) return { key: createPrivateKey(text) }
  const jwk = JSON.parse(text) as { kid?: string }
  const key = createPrivateKey({ key: jwk as never, format: 'jwk' })
  return { key, ...(jwk.kid !== undefined && { kid: jwk.kid }) }
}

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: 'ES256',
  secp384r1: 'ES384',
  secp521r1: 'ES512',
}

function defaultAlgorithm(key: KeyObject): string {
  if (key.asymmetricKeyType === 'ec') {
    return CURVES[key.asymmetricKeyDetails?.namedCurve ?? ''] ?? 'ES256'
  }
  return key.asymmetricKeyType === 'ed25519' ? 'EdDSA' : 'RS256'
}
