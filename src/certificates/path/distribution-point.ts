import { childrenOf, contextTag, DerFault, DerReader, expectTag, tags } from './der.ts'
import type { DerElement } from './der.ts'
import { readNamedBits } from './der-values.ts'
import { readGeneralNames } from './general-name.ts'
import type { GeneralName } from './general-name.ts'
import { readRelativeName } from './rdn-sequence.ts'

/** Where a CRL is to be found: by full names, or by a name relative to its issuer's. */
export type DistributionPointName =
  | { readonly full: readonly GeneralName[] }
  | { readonly relative: string }

/** A DistributionPoint (RFC 5280 §4.2.1.13). */
export interface DistributionPoint {
  readonly name?: DistributionPointName
  /** ReasonFlags; absent: all of them. */
  readonly reasons?: number
  /** Who signs the CRL, when it is not the certificate's issuer. */
  readonly crlIssuer?: readonly GeneralName[]
}

/** All reasons of ReasonFlags: bits 1 to 8. */
export const allReasons = 0b1_1111_1110

interface Limits {
  readonly names: number
  readonly entries: number
}

/** Reads cRLDistributionPoints. @throws DerFault */
export function readDistributionPoints(element: DerElement, limits: Limits): DistributionPoint[] {
  const points = childrenOf(expectTag(element, tags.sequence), limits.entries).map((point) =>
    readPoint(point, limits),
  )
  if (points.length === 0) throw new DerFault('it is empty')
  return points
}

function readPoint(element: DerElement, limits: Limits): DistributionPoint {
  const reader = new DerReader(expectTag(element, tags.sequence))
  const name = reader.optional(contextTag(0, true))
  const reasons = reader.optional(contextTag(1))
  const crlIssuer = reader.optional(contextTag(2, true))
  reader.finish()
  if (name === undefined && crlIssuer === undefined) throw new DerFault('it says nothing')
  return {
    ...(name && { name: readDistributionPointName(name, limits.names) }),
    ...(reasons && { reasons: readNamedBits(reasons) & allReasons }),
    ...(crlIssuer && { crlIssuer: readGeneralNames(crlIssuer, limits.names) }),
  }
}

/** Reads what is inside the explicit tag of a DistributionPointName. @throws DerFault */
export function readDistributionPointName(
  element: DerElement,
  limit: number,
): DistributionPointName {
  const reader = new DerReader(element)
  const choice = reader.next()
  reader.finish()
  if (choice.tag === contextTag(0, true)) return { full: readGeneralNames(choice, limit) }
  if (choice.tag === contextTag(1, true)) return { relative: readRelativeName(choice) }
  throw new DerFault('unexpected type')
}
