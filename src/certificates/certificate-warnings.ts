import type { CertificateFacts } from './certificate-facts.ts'

/** Something about a certificate that its user should know. */
export interface CertificateWarning {
  /** A machine word: stable, kebab-case. */
  readonly reason: string
  readonly message: string
}

interface Check extends CertificateWarning {
  applies(facts: CertificateFacts, now: Date): boolean
}

const DAY = 86_400_000
const SOON = 30 * DAY
const STRONG_KEY = /^(EC P-(256|384|521)|Ed25519)$/

const CHECKS: readonly Check[] = [
  {
    reason: 'expired',
    message: 'the certificate has expired',
    applies: ({ notAfter }, now) => now > notAfter,
  },
  {
    reason: 'not-yet-valid',
    message: 'the certificate is not valid yet',
    applies: ({ notBefore }, now) => now < notBefore,
  },
  {
    reason: 'expires-soon',
    message: 'the certificate expires within 30 days',
    applies: ({ notAfter }, now) => now <= notAfter && notAfter.getTime() - now.getTime() < SOON,
  },
  {
    reason: 'weak-key',
    message:
      'the key is weaker than RSA of 2048 bits or EC on P-256, or of a kind that is not accepted',
    applies: ({ key }) => !STRONG_KEY.test(key) && !(key.startsWith('RSA') && rsaBits(key) >= 2048),
  },
  {
    reason: 'weak-signature',
    message: 'the signature is made with a hash that can be forged',
    applies: ({ signatureAlgorithm, selfSigned }) =>
      !selfSigned && /md[245]|sha-?1(?!\d)/i.test(signatureAlgorithm),
  },
  {
    reason: 'self-signed',
    message:
      'self-signed: nobody vouches for its name, so only its thumbprint or itself can be registered',
    applies: ({ selfSigned }) => selfSigned,
  },
  {
    reason: 'no-subject',
    message: 'the certificate has no subject name, or none that can be read',
    applies: ({ subject }) => subject.dotnet === '',
  },
  {
    reason: 'no-client-auth',
    message: 'the extended key usage lacks clientAuth: as a client certificate it is refused',
    applies: ({ extendedKeyUsage: purposes }) =>
      purposes !== undefined && !purposes.includes('clientAuth') && !purposes.includes('any'),
  },
  {
    reason: 'ca-certificate',
    message: 'the certificate of an authority, not of a client',
    applies: ({ ca, selfSigned }) => ca && !selfSigned,
  },
  {
    reason: 'damaged-names',
    message: 'the subject alternative names cannot be read',
    applies: ({ damaged }) => damaged,
  },
]

/** What is noteworthy about a certificate at the moment `now`. */
export function certificateWarnings(
  facts: CertificateFacts,
  now: Date,
): readonly CertificateWarning[] {
  return CHECKS.filter((check) => check.applies(facts, now)).map(({ reason, message }) => ({
    reason,
    message,
  }))
}

function rsaBits(key: string): number {
  return Number(key.split(' ')[1])
}
