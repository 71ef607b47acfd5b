import { checkLeaf } from './check-certificate.ts'
import type { CertificateRules } from './check-certificate.ts'
import { keyUsages } from './extensions.ts'
import { defaultPathLimits } from './limits.ts'
import type { ParsedCertificate } from './parse-certificate.ts'
import { latin1Of } from './der-values.ts'
import type { ParsedCrl } from './parse-crl.ts'
import type { RevocationSources } from './revocation-status.ts'
import { searchPath } from './search-path.ts'
import { isAcceptedAlgorithm, isSignedBy } from './signature.ts'

/** Who signed a CRL. */
export interface CrlSigner {
  /** From the signer to the anchor. */
  readonly path: readonly ParsedCertificate[]
  /** Not a certificate of the validated path, but one made by a CA of it to sign CRLs. */
  readonly delegated: boolean
}

/**
 * The signer of a CRL: a certificate of the validated path above the one in question, or one that
 * such a certificate issued directly, names cRLSign and is valid itself (RFC 5280 §6.3.3 (f), (g)).
 * Certificates from elsewhere do not count, whatever they are called.
 */
export function findCrlSigner(
  crl: ParsedCrl,
  path: readonly ParsedCertificate[],
  sources: RevocationSources,
): CrlSigner | undefined {
  if (!isAcceptedAlgorithm(crl.signatureAlgorithm, sources.allowSha1)) return undefined
  const isIssuer = (certificate: ParsedCertificate): boolean =>
    certificate.subject.key === crl.issuer.key
  const above = path.slice(1)
  for (const [index, authority] of above.entries()) {
    const { keyUsage } = authority.extensions
    const may = keyUsage === undefined || (keyUsage & keyUsages.crlSign) !== 0
    if (isIssuer(authority) && may && isCrlSignedBy(crl, authority)) {
      return { path: above.slice(index), delegated: false }
    }
  }
  for (const extra of sources.extras.filter(isIssuer)) {
    const delegate = delegatedPath(extra, above, sources)
    if (delegate !== undefined && isCrlSignedBy(crl, extra)) {
      return { path: delegate, delegated: true }
    }
  }
  return undefined
}

function delegatedPath(
  extra: ParsedCertificate,
  above: readonly ParsedCertificate[],
  { at, allowSha1 }: RevocationSources,
): readonly ParsedCertificate[] | undefined {
  const anchor = above.at(-1)
  const { keyUsage = 0 } = extra.extensions
  if (anchor === undefined || (keyUsage & keyUsages.crlSign) === 0) return undefined
  const rules: CertificateRules = { at, allowSha1, purpose: 'any', requireUsage: false }
  if (checkLeaf(extra, rules) !== undefined) return undefined
  const verdict = searchPath(extra, above.slice(0, -1), {
    anchors: new Map([[anchor.subject.key, [anchor]]]),
    policy: {},
    maxDepth: defaultPathLimits.depth,
    rules,
    limits: defaultPathLimits,
  })
  return verdict.ok ? verdict.path : undefined
}

const verified = new WeakMap<ParsedCrl, Map<string, boolean>>()
const remembered = 16

/** A CRL is large and lives long: each key is tried once. */
function isCrlSignedBy(crl: ParsedCrl, { publicKey }: ParsedCertificate): boolean {
  if (publicKey.weakness !== undefined) return false
  const results = verified.get(crl) ?? new Map<string, boolean>()
  verified.set(crl, results)
  const key = latin1Of(publicKey.spki)
  const known = results.get(key)
  if (known !== undefined) return known
  const signed = isSignedBy(crl, publicKey)
  if (results.size < remembered) results.set(key, signed)
  return signed
}
