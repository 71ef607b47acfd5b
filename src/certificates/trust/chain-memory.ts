import { LRUCache } from 'lru-cache'

import type { AnchorSet } from '../path/anchor-set.ts'
import type { ParsedCertificate } from '../path/parse-certificate.ts'

/** That a path was found valid, and how long that stays so. */
export interface ProvenPath {
  /** DER of what stands between leaf and anchor. */
  readonly between: readonly Uint8Array[]
  readonly anchor: ParsedCertificate
  /** Milliseconds since 1970: the first of its certificates expires. */
  readonly until: number
}

/** What is known of a leaf. */
export interface KnownLeaf {
  /** What stood between it and an anchor, when that was last proven. Says nothing of whether it still counts. */
  readonly between: readonly Uint8Array[]
  readonly paths: WeakMap<AnchorSet, ProvenPath>
}

/**
 * Remembers proven paths by the SHA-256 of the leaf. A resumed TLS session brings the leaf only: what stood above it
 * comes from here and is validated against the anchors of the day, so that no trust is carried over.
 */
export interface ChainMemory {
  recall(leaf: string): KnownLeaf | undefined
  remember(leaf: string, anchors: AnchorSet, path: ProvenPath): void
}

const LEAVES = 20_000
const AUTHORITIES = 1000

/** Only certificates of proven paths get in, so strangers cannot fill it. */
export function createChainMemory(leaves = LEAVES): ChainMemory {
  const known = new LRUCache<string, KnownLeaf>({ max: leaves })
  // Thousands of leaves stand below few authorities.
  const shared = new LRUCache<string, Uint8Array>({ max: AUTHORITIES })
  const share = (der: Uint8Array): Uint8Array => {
    const key = Buffer.from(der).toString('latin1')
    const before = shared.get(key)
    if (before) return before
    const own = Uint8Array.from(der)
    shared.set(key, own)
    return own
  }
  return {
    recall: (leaf) => known.get(leaf),
    remember(leaf, anchors, path) {
      const between = path.between.map(share)
      const before = known.get(leaf)
      const same =
        before?.between.length === between.length &&
        before.between.every((one, index) => one === between[index])
      const entry = same ? before : { between, paths: new WeakMap<AnchorSet, ProvenPath>() }
      entry.paths.set(anchors, { ...path, between })
      known.set(leaf, entry)
    },
  }
}
