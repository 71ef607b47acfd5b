import { reasonCodes } from './crl-entry.ts'
import type { CrlScope } from './crl-scope.ts'
import { findCrlSigner } from './crl-signer.ts'
import { allReasons } from './distribution-point.ts'
import type { DistributionPoint, DistributionPointName } from './distribution-point.ts'
import type { GeneralName } from './general-name.ts'
import type { ParsedCertificate } from './parse-certificate.ts'
import { entryKey } from './parse-crl.ts'
import type { ParsedCrl } from './parse-crl.ts'
import { extendedKey } from './rdn-sequence.ts'
import type { RevocationSources, RevocationStatus } from './revocation-status.ts'

/** Whether a delegated signer may be used: itself not revoked, as far as that must be known. */
export type Vouch = (signerPath: readonly ParsedCertificate[]) => boolean

/**
 * What the CRLs say of the first certificate of a validated path (RFC 5280 §6.3.3). A hit in any
 * CRL that may be used is `revoked`; `good` needs CRLs for all reasons; everything else is `unknown`.
 */
export function checkCrls(
  path: readonly ParsedCertificate[],
  sources: RevocationSources,
  vouch: Vouch,
): RevocationStatus {
  const [certificate] = path
  if (certificate === undefined) return { status: 'unknown', got: 'no certificate' }
  let covered = 0
  let obstacle: string | undefined
  const obstruct = (why: string): void => void (obstacle ??= why)

  for (const point of pointsOf(certificate)) {
    const lists = listsFor(point, certificate, sources)
    for (const crl of lists) {
      const fault = inScope(crl, point, certificate) ?? unusable(crl, path, sources, vouch)
      if (fault !== undefined) {
        obstruct(fault)
        continue
      }
      const hit = lookUp(crl, certificate)
      if (crl.baseNumber !== undefined || !isCurrent(crl, sources)) {
        // A delta without its base, and a CRL out of date, can only add: nobody comes back that way.
        if (isRevoked(hit)) return revoked(hit)
        if (crl.baseNumber === undefined) obstruct('the CRL is out of date')
        continue
      }
      const deltas = lists.filter(
        (delta) =>
          isDeltaOf(delta, crl) &&
          isCurrent(delta, sources) &&
          unusable(delta, path, sources, vouch) === undefined,
      )
      const final = withDeltas(hit, deltas, certificate)
      if (isRevoked(final)) return revoked(final)
      covered |= crl.scope.reasons & (point.reasons ?? allReasons)
    }
  }
  if (covered === allReasons) return { status: 'good' }
  return { status: 'unknown', got: obstacle ?? 'no CRL for it' }
}

function revoked(reason: number | undefined): RevocationStatus {
  return { status: 'revoked', got: `on a CRL, reason ${reason ?? 0}` }
}

/** The certificate's distribution points, and its issuer itself (RFC 5280 §6.3.3, last paragraph). */
function pointsOf(certificate: ParsedCertificate): DistributionPoint[] {
  const issuer: GeneralName = { type: 'directory', value: certificate.issuer }
  return [...(certificate.extensions.crlDistributionPoints ?? []), { name: { full: [issuer] } }]
}

function issuersOf(point: DistributionPoint, certificate: ParsedCertificate): string[] {
  if (point.crlIssuer === undefined) return [certificate.issuer.key]
  return point.crlIssuer.flatMap((name) => (name.type === 'directory' ? [name.value.key] : []))
}

function listsFor(
  point: DistributionPoint,
  certificate: ParsedCertificate,
  { crls }: RevocationSources,
): ParsedCrl[] {
  return issuersOf(point, certificate).flatMap((issuer) => crls.byIssuer.get(issuer) ?? [])
}

/** Why a CRL says nothing about the certificate; undefined when it does. */
function inScope(
  { scope, issuer }: ParsedCrl,
  point: DistributionPoint,
  certificate: ParsedCertificate,
): string | undefined {
  const isCa = certificate.extensions.basicConstraints?.ca === true
  const faults: Readonly<Record<string, boolean>> = {
    'the CRL is for attribute certificates': scope.onlyAttributes,
    'the CRL is for CAs': scope.onlyCas && !isCa,
    'the CRL is for end entities': scope.onlyUsers && isCa,
    'the CRL is not indirect': point.crlIssuer !== undefined && !scope.indirect,
    'the CRL is of another distribution point': !coversPoint(scope, issuer, point, certificate),
  }
  return Object.keys(faults).find((fault) => faults[fault])
}

function coversPoint(
  scope: CrlScope,
  crlIssuer: ParsedCrl['issuer'],
  point: DistributionPoint,
  certificate: ParsedCertificate,
): boolean {
  if (scope.name === undefined) return true
  const offered = nameKeys(scope.name, [crlIssuer])
  const pointIssuers = (point.crlIssuer ?? []).flatMap((name) =>
    name.type === 'directory' ? [name.value] : [],
  )
  const wanted =
    point.name === undefined
      ? pointIssuers.map((name) => `directory ${name.key}`)
      : nameKeys(point.name, pointIssuers.length > 0 ? pointIssuers : [certificate.issuer])
  return wanted.some((name) => offered.includes(name))
}

function nameKeys(name: DistributionPointName, issuers: readonly ParsedCrl['issuer'][]): string[] {
  if ('relative' in name) {
    return issuers.map((issuer) => `directory ${extendedKey(issuer, name.relative)}`)
  }
  return name.full.flatMap((full) => {
    if (full.type === 'directory') return [`directory ${full.value.key}`]
    return 'value' in full && typeof full.value === 'string' ? [`${full.type} ${full.value}`] : []
  })
}

function isCurrent({ nextUpdate }: ParsedCrl, { at }: RevocationSources): boolean {
  return nextUpdate !== undefined && at <= nextUpdate
}

/** Why a CRL must not be used, or has no signer that counts. */
function unusable(
  crl: ParsedCrl,
  path: readonly ParsedCertificate[],
  sources: RevocationSources,
  vouch: Vouch,
): string | undefined {
  if (crl.unusable !== undefined) return `the CRL has ${crl.unusable}`
  if (sources.at < crl.thisUpdate) return 'the CRL is from the future'
  const signer = findCrlSigner(crl, path, sources)
  if (signer === undefined) return 'the CRL is not signed by a CA of the path'
  if (!signer.delegated || vouch(signer.path)) return undefined
  return 'the signer of the CRL is revoked, or that is unknown'
}

function lookUp(crl: ParsedCrl, { serial, issuer }: ParsedCertificate): number | undefined {
  return crl.entries.get(entryKey(serial, issuer.key, crl.issuer.key))
}

function isRevoked(reason: number | undefined): boolean {
  return reason !== undefined && reason !== reasonCodes.removeFromCrl
}

/** Whether the delta continues the complete CRL (RFC 5280 §6.3.3 (c)). */
function isDeltaOf(delta: ParsedCrl, crl: ParsedCrl): boolean {
  return (
    delta.baseNumber !== undefined &&
    crl.number !== undefined &&
    delta.baseNumber <= crl.number &&
    crl.number <= (delta.number ?? -1n) &&
    delta.issuer.key === crl.issuer.key &&
    delta.scope.encoding === crl.scope.encoding &&
    delta.authorityKeyId === crl.authorityKeyId
  )
}

/** The newest delta that names the certificate decides; only a hold can be taken back. */
function withDeltas(
  hit: number | undefined,
  deltas: readonly ParsedCrl[],
  certificate: ParsedCertificate,
): number | undefined {
  const newestFirst = deltas.toSorted((a, b) => Number((b.number ?? 0n) - (a.number ?? 0n)))
  const named = newestFirst
    .map((delta) => lookUp(delta, certificate))
    .find((reason) => reason !== undefined)
  if (named === undefined) return hit
  const lifted = named === reasonCodes.removeFromCrl
  return lifted && isRevoked(hit) && hit !== reasonCodes.certificateHold ? hit : named
}
