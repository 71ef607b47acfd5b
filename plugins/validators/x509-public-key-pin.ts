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

const MAX_LENGTH = 512
const DECOY: Secret = { type: 'X509PublicKeyPin', value: '0'.repeat(64), properties: {} }

/**
 * Certificates registered by SHA-256 over their public key (SubjectPublicKeyInfo). A renewed certificate with the same
 * key fits too. The pin names one key, so nobody needs to vouch for it (RFC 8705 §2.2).
 */
export default {
  contract: 1,
  setup(): Validator<'certificate'> {
    const known = new WeakMap<Secret, string | undefined>()
    const read = (secret: Secret) => {
      if (!known.has(secret)) known.set(secret, readPin(secret.value))
      return known.get(secret)
    }
    return {
      accepts: 'certificate',
      secretTypes: ['X509PublicKeyPin'],
      decoys: [DECOY],
      inspect(secret) {
        const pin = read(secret)
        return pin === undefined ? { fault: FAULT } : { lookupKeys: [`x509-spki:${pin}`] }
      },
      validate({ credential: { peer }, secrets, now }: Attempt<'certificate'>): Verdict {
        const fitting = secrets.find((secret) => read(secret) === peer.spkiSha256)
        const refusal = fitting ? outsideValidity(peer, now) : otherKey(peer)
        if (fitting && !refusal) {
          const confirmation = { 'x5t#S256': peer.x5tS256 }
          return { ok: true, secret: fitting, confirmation, method: 'self_signed_tls_client_auth' }
        }
        const considered = secrets.map((secret): Consideration => {
          if (refusal && secret === fitting) return { secret, ...refusal }
          const want = read(secret)
          return { secret, ...otherKey(peer), ...(want !== undefined && { want }) }
        })
        return { ok: false, ...(refusal ?? otherKey(peer)), considered }
      },
    }
  },
} satisfies ValidatorPlugin

const FAULT =
  'no pin: SHA-256 over the SubjectPublicKeyInfo, as 64 hexadecimal digits or in base64; ask `vouchgate certificate`'

/** Upper-case hexadecimal, from hexadecimal, base64 or base64url, with the `sha256//` of curl or without. */
function readPin(value: string): string | undefined {
  if (value.length > MAX_LENGTH) return undefined
  const written = value.trim().replace(/^sha256\/\/?/i, '')
  const digits = written.replace(/[\s:\-\p{Cf}]/gu, '')
  if (/^[\da-f]{64}$/i.test(digits)) return digits.toUpperCase()
  if (!/^[\w+/-]{43}=?$/.test(written)) return undefined
  const bytes = Buffer.from(written, 'base64')
  const standard = written.replaceAll('-', '+').replaceAll('_', '/').replace('=', '')
  const whole = bytes.toString('base64').replace('=', '') === standard
  return whole ? bytes.toString('hex').toUpperCase() : undefined
}

function otherKey({ spkiSha256 }: PeerCertificate): Refusal {
  return { reason: 'cert-key-unknown', got: `public key ${spkiSha256}` }
}

/** A date that is none is outside, whatever it is compared with. */
function outsideValidity({ notBefore, notAfter }: PeerCertificate, now: Date): Refusal | undefined {
  const want = `a certificate valid on ${now.toUTCString()}`
  if (!(now <= notAfter)) return { reason: 'cert-expired', got: notAfter.toUTCString(), want }
  if (now >= notBefore) return undefined
  return { reason: 'cert-not-yet-valid', got: notBefore.toUTCString(), want }
}
