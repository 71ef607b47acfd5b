import { createAnchorSet } from '../../src/certificates/path/anchor-set.ts'
import { checkRevocation } from '../../src/certificates/path/check-revocation.ts'
import { createCrlSet } from '../../src/certificates/path/crl-set.ts'
import { defaultPathLimits } from '../../src/certificates/path/limits.ts'
import { parseCertificate } from '../../src/certificates/path/parse-certificate.ts'
import { parseCrl } from '../../src/certificates/path/parse-crl.ts'
import { parseOcsp } from '../../src/certificates/path/parse-ocsp.ts'
import type { PathQuestion, PathVerdict } from '../../src/certificates/path/validate-path.ts'
import type { X509Case } from './x509-corpus.ts'

/** The question that a case asks. */
export function questionOf(item: X509Case): PathQuestion {
  return {
    leaf: bytes(item.leaf),
    intermediates: item.intermediates.map(bytes),
    anchors: createAnchorSet(item.trusted.map(bytes)),
    at: new Date(item.time),
    purpose: item.purpose ?? 'any',
    ...(item.allowSha1 && { allowSha1: true }),
    ...(item.params && { policy: item.params }),
    ...(item.maxDepth !== undefined && { maxDepth: item.maxDepth }),
  }
}

/** The verdict on a case whose path was judged: revocation on top, where the case brings it. */
export function judgeRevocation(item: X509Case, verdict: PathVerdict): PathVerdict {
  if (!verdict.ok) return verdict
  const sources = item.crls.length + item.ocsps.length > 0
  const mode = item.revocation ? 'chain' : sources ? 'leaf' : 'off'
  const revocation = checkRevocation({
    path: verdict.path,
    policy: { mode },
    at: new Date(item.time),
    crls: createCrlSet(
      item.crls.map((crl) => parseCrl(bytes(crl))).flatMap((r) => (r.ok ? [r.crl] : [])),
    ),
    answers: item.ocsps
      .map((der) => parseOcsp(bytes(der)))
      .flatMap((r) => (r.ok ? [r.answer] : [])),
    extras: item.intermediates
      .map((der) => parseCertificate(bytes(der), defaultPathLimits.caBytes))
      .flatMap((r) => (r.ok ? [r.certificate] : [])),
    allowSha1: item.allowSha1 ?? false,
  })
  return revocation.ok ? verdict : revocation
}

export function bytes(base64: string): Uint8Array {
  return Buffer.from(base64, 'base64')
}
