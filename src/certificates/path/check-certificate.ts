import type { Refusal } from '#contract'
import { keyUsages } from './extensions.ts'
import type { ParsedCertificate } from './parse-certificate.ts'
import { isAcceptedAlgorithm } from './signature.ts'

/** What a leaf is to be used for; `any`: usages are not looked at. */
export type Purpose = 'client' | 'server' | 'any'

/** What certificates are judged by, alone and before any path is looked at. */
export interface CertificateRules {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly purpose: Purpose
  /** The leaf must name its purpose in extKeyUsage; otherwise the extension may be absent. */
  readonly requireUsage: boolean
  readonly allowSha1: boolean
}

type Check = (certificate: ParsedCertificate, rules: CertificateRules) => Refusal | undefined

const anyUsage = '2.5.29.37.0'
const usageOids = { client: '1.3.6.1.5.5.7.3.2', server: '1.3.6.1.5.5.7.3.1' } as const

const leafKeyUsages = {
  client: keyUsages.digitalSignature,
  server: keyUsages.digitalSignature | keyUsages.keyEncipherment | keyUsages.keyAgreement,
} as const

const everybody: readonly Check[] = [checkValidity, checkCriticalExtensions, checkKey]
const leafChecks: readonly Check[] = [...everybody, checkAlgorithm, checkLeafUse]
const anchorChecks: readonly Check[] = [...everybody, checkIssuing, checkIssuerUsage]
const issuerChecks: readonly Check[] = [...anchorChecks, checkAlgorithm]

/** Judges the leaf alone (RFC 5280 §6.1.3, §6.1.5, §4.2.1.3, §4.2.1.12). */
export function checkLeaf(leaf: ParsedCertificate, rules: CertificateRules): Refusal | undefined {
  return firstRefusal(leafChecks, leaf, rules)
}

/** Judges an issuer alone: an anchor, of which the own signature does not count, or an intermediate. */
export function checkIssuer(
  issuer: ParsedCertificate,
  isAnchor: boolean,
  rules: CertificateRules,
): Refusal | undefined {
  return firstRefusal(isAnchor ? anchorChecks : issuerChecks, issuer, rules)
}

function firstRefusal(
  checks: readonly Check[],
  certificate: ParsedCertificate,
  rules: CertificateRules,
): Refusal | undefined {
  for (const check of checks) {
    const refusal = check(certificate, rules)
    if (refusal !== undefined) return refusal
  }
  return undefined
}

function checkValidity(
  { notBefore, notAfter }: ParsedCertificate,
  { at }: CertificateRules,
): Refusal | undefined {
  // Both ends are included, and certificates count in seconds.
  const second = Math.floor(at / 1000) * 1000
  if (second < notBefore) return { reason: 'chain-not-yet-valid', want: iso(notBefore) }
  // Written so that a time that is none is outside too.
  return second <= notAfter ? undefined : { reason: 'chain-expired', got: iso(notAfter) }
}

function iso(time: number): string {
  return new Date(time).toISOString()
}

function checkCriticalExtensions({ unknownCritical }: ParsedCertificate): Refusal | undefined {
  const [oid] = unknownCritical
  return oid === undefined ? undefined : { reason: 'chain-critical-extension', got: oid }
}

function checkKey({ publicKey }: ParsedCertificate): Refusal | undefined {
  if (publicKey.weakness === undefined) return undefined
  return {
    reason: 'chain-key',
    got: `${publicKey.name}: ${publicKey.weakness}`,
    want: 'RSA of 2048 to 8192 bits, P-256, P-384, P-521 or Ed25519',
  }
}

function checkAlgorithm(
  { signatureAlgorithm }: ParsedCertificate,
  { allowSha1 }: CertificateRules,
): Refusal | undefined {
  if (isAcceptedAlgorithm(signatureAlgorithm, allowSha1)) return undefined
  return {
    reason: 'chain-algorithm',
    got: signatureAlgorithm.name,
    want: 'RSA, RSA-PSS or ECDSA with SHA-256, SHA-384 or SHA-512, or Ed25519',
  }
}

function checkLeafUse(
  { extensions, rawExtensions, subject }: ParsedCertificate,
  { purpose, requireUsage }: CertificateRules,
): Refusal | undefined {
  const { keyUsage, extendedKeyUsage, basicConstraints, nameConstraints } = extensions
  const ca = basicConstraints?.ca === true
  if (!ca && nameConstraints !== undefined) {
    return { reason: 'chain-leaf', got: 'nameConstraints in a certificate that is no CA' }
  }
  if (!ca && keyUsage !== undefined && (keyUsage & keyUsages.keyCertSign) !== 0) {
    return { reason: 'chain-leaf', got: 'keyCertSign in a certificate that is no CA' }
  }
  if (subject.rdns.length === 0 && !isCritical(rawExtensions, '2.5.29.17')) {
    return { reason: 'chain-leaf', got: 'no subject and no critical subjectAltName' }
  }
  if (purpose === 'any') return undefined
  if (keyUsage !== undefined && (keyUsage & leafKeyUsages[purpose]) === 0) {
    return { reason: 'chain-key-usage', want: 'digitalSignature' }
  }
  // anyExtendedKeyUsage does not do for a leaf: it names no purpose.
  const named = extendedKeyUsage?.includes(usageOids[purpose]) ?? !requireUsage
  return named ? undefined : usageRefusal(extendedKeyUsage, purpose)
}

function isCritical(extensions: ParsedCertificate['rawExtensions'], oid: string): boolean {
  return extensions.some((extension) => extension.critical && extension.oid === oid)
}

function usageRefusal(usages: readonly string[] = [], purpose: 'client' | 'server'): Refusal {
  return {
    reason: 'chain-eku',
    got: usages.length === 0 ? 'none' : usages.slice(0, 8).join(' '),
    want: `${usageOids[purpose]} (${purpose}Auth)`,
  }
}

function checkIssuing({ extensions }: ParsedCertificate): Refusal | undefined {
  const { basicConstraints, keyUsage } = extensions
  if (basicConstraints?.ca !== true) {
    return { reason: 'chain-ca', got: 'an issuer that is no CA', want: 'basicConstraints with cA' }
  }
  if (keyUsage !== undefined && (keyUsage & keyUsages.keyCertSign) === 0) {
    return { reason: 'chain-ca', got: 'an issuer without keyCertSign', want: 'keyCertSign' }
  }
  return undefined
}

function checkIssuerUsage(
  { extensions: { extendedKeyUsage } }: ParsedCertificate,
  { purpose }: CertificateRules,
): Refusal | undefined {
  if (purpose === 'any' || extendedKeyUsage === undefined) return undefined
  const fits = extendedKeyUsage.some((usage) => usage === usageOids[purpose] || usage === anyUsage)
  return fits ? undefined : usageRefusal(extendedKeyUsage, purpose)
}
