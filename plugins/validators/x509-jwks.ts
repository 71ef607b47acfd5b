import { createPublicKey, hash, X509Certificate } from 'node:crypto'
import type { KeyObject, webcrypto } from 'node:crypto'

import type {
  Attempt,
  Consideration,
  PeerCertificate,
  Refusal,
  Secret,
  Validator,
  ValidatorPlugin,
  Verdict,
} from '#contract'
import { z } from 'zod'

const MAX_LENGTH = 262_144
const MAX_KEYS = 50

const jwks = z.object({
  keys: z
    .array(
      z.looseObject({
        kty: z.string(),
        use: z.string().optional(),
        x5c: z.array(z.string()).min(1).optional(),
      }),
    )
    .min(1)
    .max(MAX_KEYS),
})

type Jwk = z.infer<typeof jwks>['keys'][number]

/** What one key of a set demands of a certificate. Upper-case hexadecimal of SHA-256. */
interface Registered {
  readonly spki: string
  /** Set when the key came with its certificate: that one is meant, and no other of the same key. */
  readonly certificate?: string
}

type Reading =
  | { readonly ok: true; readonly keys: readonly Registered[] }
  | { readonly ok: false; readonly fault: string }

/** Self-signed certificates registered by a JWK Set: the key of the certificate is one of it (RFC 8705 §2.2). */
export default {
  contract: 1,
  setup(): Validator<'certificate'> {
    const known = new WeakMap<Secret, Reading>()
    const read = (secret: Secret): Reading => {
      const before = known.get(secret)
      if (before) return before
      const reading = readSet(secret.value)
      known.set(secret, reading)
      return reading
    }
    const fits = (secret: Secret, peer: PeerCertificate) => {
      const reading = read(secret)
      return reading.ok && reading.keys.some((key) => isKeyOf(key, peer))
    }
    return {
      accepts: 'certificate',
      secretTypes: ['JWKS'],
      inspect(secret) {
        const reading = read(secret)
        if (!reading.ok) return { fault: reading.fault }
        return { lookupKeys: reading.keys.map(({ spki }) => `x509-spki:${spki}`) }
      },
      validate({ credential: { peer }, secrets, now }: Attempt<'certificate'>): Verdict {
        const fitting = secrets.find((secret) => fits(secret, peer))
        const refusal = fitting ? outsideValidity(peer, now) : otherKey(peer)
        if (fitting && !refusal) {
          const confirmation = { 'x5t#S256': peer.x5tS256 }
          return { ok: true, secret: fitting, confirmation, method: 'self_signed_tls_client_auth' }
        }
        const considered = secrets.map((secret): Consideration => ({
          secret,
          ...(secret === fitting && refusal ? refusal : otherKey(peer)),
        }))
        return { ok: false, ...(refusal ?? otherKey(peer)), considered }
      },
    }
  },
} satisfies ValidatorPlugin

function isKeyOf({ spki, certificate }: Registered, peer: PeerCertificate): boolean {
  if (spki !== peer.spkiSha256) return false
  return certificate === undefined || certificate === peer.thumbprintSha256
}

function readSet(value: string): Reading {
  if (value.length > MAX_LENGTH) return fault(`longer than ${MAX_LENGTH} characters`)
  const parsed = jwks.safeParse(asJson(value))
  if (!parsed.success) return fault(`no JWK Set: {"keys": […]} of 1 to ${MAX_KEYS} public keys`)
  const keys: Registered[] = []
  for (const [index, jwk] of parsed.data.keys.entries()) {
    const key = readKey(jwk)
    if (typeof key === 'string') return fault(`key ${index + 1}: ${key}`)
    keys.push(key)
  }
  return { ok: true, keys }
}

function asJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function fault(text: string): Reading {
  return { ok: false, fault: text }
}

/** @returns the key, or what is wrong with it */
function readKey({ x5c, ...jwk }: Jwk): Registered | string {
  if (jwk.kty === 'oct' || 'd' in jwk || 'k' in jwk) return 'it is not public'
  if (jwk.use !== undefined && jwk.use !== 'sig') return 'its use is not sig'
  const key = imported(jwk)
  if (key === undefined) return 'it is not a valid public key'
  const weakness = weaknessOf(key)
  if (weakness !== undefined) return weakness
  const spki = digestOf(key.export({ format: 'der', type: 'spki' }))
  if (x5c === undefined) return { spki }
  const [leaf = ''] = x5c
  const certificate = certificateOf(leaf)
  if (certificate === undefined) return 'its x5c does not begin with a certificate'
  if (!certificate.publicKey.equals(key)) return 'its x5c is the certificate of another key'
  return { spki, certificate: digestOf(certificate.raw) }
}

function imported(jwk: Jwk): KeyObject | undefined {
  try {
    return createPublicKey({ key: jwk as webcrypto.JsonWebKey, format: 'jwk' })
  } catch {
    return undefined
  }
}

function certificateOf(base64: string): X509Certificate | undefined {
  try {
    const certificate = new X509Certificate(Buffer.from(base64, 'base64'))
    // It is decoded only when it is asked for.
    return certificate.publicKey && certificate
  } catch {
    return undefined
  }
}

const CURVES = new Set(['prime256v1', 'secp384r1', 'secp521r1'])

function weaknessOf({ asymmetricKeyType: type, asymmetricKeyDetails: details }: KeyObject) {
  const { modulusLength = 0, publicExponent = 0n, namedCurve = '' } = details ?? {}
  if (type === 'rsa') {
    const sound = modulusLength >= 2048 && modulusLength <= 8192 && publicExponent >= 65_537n
    return sound ? undefined : 'its RSA modulus or exponent is too small'
  }
  if (type === 'ec') return CURVES.has(namedCurve) ? undefined : 'its curve is not accepted'
  return type === 'ed25519' ? undefined : 'keys of its type are not accepted'
}

function digestOf(der: Uint8Array): string {
  return hash('sha256', der, 'hex').toUpperCase()
}

function otherKey({ spkiSha256 }: PeerCertificate): Refusal {
  return {
    reason: 'cert-key-unknown',
    got: `public key ${spkiSha256}`,
    want: 'the key, and where the set has one the certificate, of one of its members',
  }
}

/** A date that is none is outside, whatever it is compared with. */
function outsideValidity({ notBefore, notAfter }: PeerCertificate, now: Date): Refusal | undefined {
  const want = `a certificate valid on ${now.toUTCString()}`
  if (!(now <= notAfter)) return { reason: 'cert-expired', got: notAfter.toUTCString(), want }
  if (now >= notBefore) return undefined
  return { reason: 'cert-not-yet-valid', got: notBefore.toUTCString(), want }
}
