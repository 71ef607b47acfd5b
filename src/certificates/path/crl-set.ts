import type { ParsedCrl } from './parse-crl.ts'

/** CRLs, found by the name of their issuer. Immutable. */
export interface CrlSet {
  readonly byIssuer: ReadonlyMap<string, readonly ParsedCrl[]>
}

/** Makes a set of parsed CRLs; complete and delta ones together. */
export function createCrlSet(crls: readonly ParsedCrl[]): CrlSet {
  return { byIssuer: Map.groupBy(crls, (crl) => crl.issuer.key) }
}
