import type { AnchorSet } from '../path/anchor-set.ts'
import type { Revocation } from '../revocation/revocation.ts'

/** The name of the set that counts where none is named. */
export const DEFAULT_SET = 'default'

/** Who may vouch, and how it is found out that they took it back. */
export interface TrustSet {
  readonly anchors: AnchorSet
  readonly revocation: Revocation
}
