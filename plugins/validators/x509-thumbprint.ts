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

interface Thumbprint {
  readonly algorithm: 'sha1' | 'sha256'
  /** Upper-case hexadecimal. */
  readonly digits: string
}

const MAX_LENGTH = 512
const DECOY: Secret = { type: 'X509Thumbprint', value: '0'.repeat(64), properties: {} }

/** Certificates registered by thumbprint. A thumbprint names one certificate, so it may be self-signed (RFC 8705 §2.2). */
export default {
  contract: 1,
  setup(_, { compatibility }): Validator<'certificate'> {
    const known = new WeakMap<Secret, Thumbprint | undefined>()
    const read = (secret: Secret) => {
      if (!known.has(secret)) known.set(secret, readThumbprint(secret.value))
      return known.get(secret)
    }
    return {
      accepts: 'certificate',
      secretTypes: ['X509Thumbprint'],
      decoys: [DECOY],
      inspect(secret) {
        const thumbprint = read(secret)
        if (thumbprint === undefined) return { fault: faultOf(secret.value) }
        const found = { lookupKeys: [`x509-${thumbprint.algorithm}:${thumbprint.digits}`] }
        const weak = thumbprint.algorithm === 'sha1' && compatibility === 'none'
        return weak ? { ...found, warning: SHA1_WARNING } : found
      },
      validate({ credential: { peer }, secrets, now }: Attempt<'certificate'>): Verdict {
        const fitting = secrets.find((secret) => matches(read(secret), peer))
        const considered = (refusal?: Refusal) =>
          secrets.map((secret): Consideration => {
            if (refusal && secret === fitting) return { secret, ...refusal }
            const want = read(secret)?.digits
            return { secret, ...unknown(peer), ...(want && { want }) }
          })
        if (!fitting) return { ok: false, ...unknown(peer), considered: considered() }
        const refusal = outsideValidity(peer, now)
        if (refusal) return { ok: false, ...refusal, considered: considered(refusal) }
        const confirmation = { 'x5t#S256': peer.x5tS256 }
        return { ok: true, secret: fitting, confirmation, method: 'self_signed_tls_client_auth' }
      },
    }
  },
} satisfies ValidatorPlugin

const SHA1_WARNING = 'a SHA-1 thumbprint; register the SHA-256 one instead'

/** SHA-1 or SHA-256 by its length, whatever stands between the digits: dialogs add colons, spaces and invisible marks. */
function readThumbprint(value: string): Thumbprint | undefined {
  if (value.length > MAX_LENGTH) return undefined
  const written = value.replace(/[\s:\-\p{Cf}]/gu, '')
  if (!/^[\da-f]+$/i.test(written)) return undefined
  const digits = written.toUpperCase()
  if (digits.length === 40) return { algorithm: 'sha1', digits }
  return digits.length === 64 ? { algorithm: 'sha256', digits } : undefined
}

function faultOf(value: string): string {
  const hint = /^[\w-]{43}$/.test(value.trim())
    ? '; it looks like x5t#S256, write the same bytes in hexadecimal'
    : value.includes('-----BEGIN')
      ? '; it looks like a certificate, ask `vouchgate certificate` for its thumbprint'
      : ''
  return `no thumbprint of 40 (SHA-1) or 64 (SHA-256) hexadecimal digits${hint}`
}

function matches(thumbprint: Thumbprint | undefined, peer: PeerCertificate): boolean {
  if (thumbprint === undefined) return false
  const { thumbprintSha1, thumbprintSha256 } = peer
  return thumbprint.digits === (thumbprint.algorithm === 'sha1' ? thumbprintSha1 : thumbprintSha256)
}

function unknown({ thumbprintSha1, thumbprintSha256 }: PeerCertificate): Refusal {
  return {
    reason: 'cert-thumbprint-unknown',
    got: `SHA-1 ${thumbprintSha1}, SHA-256 ${thumbprintSha256}`,
  }
}

/** A date that is none is outside, whatever it is compared with. */
function outsideValidity({ notBefore, notAfter }: PeerCertificate, now: Date): Refusal | undefined {
  const want = `a certificate valid on ${now.toUTCString()}`
  if (!(now <= notAfter)) return { reason: 'cert-expired', got: notAfter.toUTCString(), want }
  if (now >= notBefore) return undefined
  return { reason: 'cert-not-yet-valid', got: notBefore.toUTCString(), want }
}
