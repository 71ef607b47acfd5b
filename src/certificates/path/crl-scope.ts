import { contextTag, DerReader, readWhole, tags } from './der.ts'
import { hexOf, readBoolean, readNamedBits } from './der-values.ts'
import { allReasons, readDistributionPointName } from './distribution-point.ts'
import type { DistributionPointName } from './distribution-point.ts'
import { defaultPathLimits } from './limits.ts'

/** An issuingDistributionPoint (RFC 5280 §5.2.5); without one everything is default. */
export interface CrlScope {
  readonly name?: DistributionPointName
  readonly onlyUsers: boolean
  readonly onlyCas: boolean
  readonly onlyAttributes: boolean
  readonly reasons: number
  readonly indirect: boolean
  /** Hexadecimal encoding, to tell whether two CRLs have the same scope. */
  readonly encoding: string
}

/** The scope of a CRL that does not name one: everything of its issuer. */
export const unlimitedScope: CrlScope = {
  onlyUsers: false,
  onlyCas: false,
  onlyAttributes: false,
  reasons: allReasons,
  indirect: false,
  encoding: '',
}

/** Reads an issuingDistributionPoint. @throws DerFault */
export function readCrlScope(value: Uint8Array): CrlScope {
  const reader = new DerReader(readWhole(value, tags.sequence))
  const flag = (number: number): boolean => {
    const element = reader.optional(contextTag(number))
    return element !== undefined && readBoolean(element)
  }
  const name = reader.optional(contextTag(0, true))
  const [onlyUsers, onlyCas] = [flag(1), flag(2)]
  const reasons = reader.optional(contextTag(3))
  const [indirect, onlyAttributes] = [flag(4), flag(5)]
  reader.finish()
  return {
    ...(name && { name: readDistributionPointName(name, defaultPathLimits.names) }),
    onlyUsers,
    onlyCas,
    onlyAttributes,
    reasons: reasons === undefined ? allReasons : readNamedBits(reasons) & allReasons,
    indirect,
    encoding: hexOf(value),
  }
}
