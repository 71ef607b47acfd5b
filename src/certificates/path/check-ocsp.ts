import { hash } from 'node:crypto'
import { checkLeaf } from './check-certificate.ts'
import { keyUsages } from './extensions.ts'
import type { OcspAnswer, OcspSingle } from './parse-ocsp.ts'
import type { ParsedCertificate } from './parse-certificate.ts'
import type { RevocationSources, RevocationStatus } from './revocation-status.ts'
import { isAcceptedAlgorithm, isSignedBy } from './signature.ts'

const ocspSigning = '1.3.6.1.5.5.7.3.9'

/** Algorithms of CertID; SHA-1 only names the certificate there, its weakness does no harm. */
const digests: Readonly<Record<string, string>> = {
  '1.3.14.3.2.26': 'sha1',
  '2.16.840.1.101.3.4.2.1': 'sha256',
  '2.16.840.1.101.3.4.2.2': 'sha384',
  '2.16.840.1.101.3.4.2.3': 'sha512',
}

/**
 * What OCSP answers say of the first certificate of a validated path (RFC 6960 §3.2): only an answer
 * about this very certificate, in its time, signed by the issuer or by whom the issuer made responder.
 * @param isListed whether a CRL says that a responder is revoked.
 */
export function checkOcsp(
  path: readonly ParsedCertificate[],
  sources: RevocationSources,
  isListed: (responderPath: readonly ParsedCertificate[]) => boolean,
): RevocationStatus {
  const [certificate, issuer] = path
  if (certificate === undefined || issuer === undefined) {
    return { status: 'unknown', got: 'no issuer' }
  }
  let obstacle = 'no OCSP answer for it'
  let good = false
  for (const answer of sources.answers) {
    for (const single of answer.singles) {
      if (!isAbout(single, certificate, issuer)) continue
      const fault = unusable(answer, single, path, sources, isListed)
      if (fault !== undefined) obstacle = fault
      else if (single.status === 'revoked') return { status: 'revoked', got: 'by OCSP' }
      else if (single.status === 'good') good = true
      else obstacle = 'the OCSP responder does not know it'
    }
  }
  return good ? { status: 'good' } : { status: 'unknown', got: obstacle }
}

/** CertID: the issuer's name and key, and the serial number. */
function isAbout(
  single: OcspSingle,
  certificate: ParsedCertificate,
  issuer: ParsedCertificate,
): boolean {
  const digest = digests[single.hashAlgorithm]
  return (
    digest !== undefined &&
    single.serial === certificate.serial &&
    single.issuerNameHash === hash(digest, certificate.issuer.raw) &&
    single.issuerKeyHash === hash(digest, issuer.publicKey.bits)
  )
}

function unusable(
  answer: OcspAnswer,
  single: OcspSingle,
  path: readonly ParsedCertificate[],
  sources: RevocationSources,
  isListed: (responderPath: readonly ParsedCertificate[]) => boolean,
): string | undefined {
  const { at } = sources
  const { thisUpdate, nextUpdate } = single
  if (answer.unknownCritical ?? single.unknownCritical) return 'unknown critical OCSP extension'
  if (at < thisUpdate) return 'the OCSP answer is from the future'
  if (nextUpdate === undefined || !(at <= nextUpdate)) return 'the OCSP answer is out of date'
  if (!isAcceptedAlgorithm(answer.signatureAlgorithm, sources.allowSha1)) {
    return `OCSP answer signed with ${answer.signatureAlgorithm.name}`
  }
  const signer = findResponder(answer, path, sources, isListed)
  if (signer === undefined) return 'the OCSP answer is not by a responder of the issuer'
  return isSignedBy(answer, signer.publicKey) ? undefined : 'the OCSP answer is not signed'
}

function findResponder(
  answer: OcspAnswer,
  path: readonly ParsedCertificate[],
  sources: RevocationSources,
  isListed: (responderPath: readonly ParsedCertificate[]) => boolean,
): ParsedCertificate | undefined {
  const above = path.slice(1)
  const [issuer] = above
  if (issuer === undefined) return undefined
  if (isNamed(answer, issuer)) return issuer
  return answer.certificates.find(
    (certificate) =>
      isNamed(answer, certificate) &&
      isResponderOf(certificate, issuer, sources) &&
      (certificate.extensions.ocspNoCheck === true || !isListed([certificate, ...above])),
  )
}

function isNamed({ responder }: OcspAnswer, { subject, publicKey }: ParsedCertificate): boolean {
  return 'nameKey' in responder
    ? responder.nameKey === subject.key
    : responder.keyHash === hash('sha1', publicKey.bits)
}

/** A delegated responder (RFC 6960 §4.2.2.2): made by the issuer itself, and for this. */
function isResponderOf(
  certificate: ParsedCertificate,
  issuer: ParsedCertificate,
  { at, allowSha1 }: RevocationSources,
): boolean {
  const { extendedKeyUsage, keyUsage } = certificate.extensions
  return (
    extendedKeyUsage?.includes(ocspSigning) === true &&
    (keyUsage === undefined || (keyUsage & keyUsages.digitalSignature) !== 0) &&
    certificate.issuer.key === issuer.subject.key &&
    checkLeaf(certificate, { at, allowSha1, purpose: 'any', requireUsage: false }) === undefined &&
    isSignedBy(certificate, issuer.publicKey)
  )
}
