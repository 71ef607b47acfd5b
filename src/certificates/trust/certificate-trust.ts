import type { CertificateTrust, PeerCertificate, Refusal, TrustVerdict } from '#contract'

import { chainOfMessage } from '../peer-of-message.ts'
import { sentChain } from '../peer-of-connection.ts'
import type { SentChain } from '../peer-of-connection.ts'
import { findPath, parsedPath } from './find-path.ts'
import type { PathFinder, Presented } from './find-path.ts'
import { DEFAULT_SET } from './trust-set.ts'
import type { TrustSet } from './trust-set.ts'

export interface TrustParts extends PathFinder {
  readonly sets: ReadonlyMap<string, TrustSet>
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Milliseconds of a clock that nobody sets. */
  readonly ticks: () => number
  /** Milliseconds after which an answer waits no longer for a source of revocations. */
  readonly patience: number
}

/** A verdict, and how long it may be given again. */
interface Judgement {
  readonly verdict: TrustVerdict
  /** Milliseconds since 1970. */
  readonly until: number
  /** The same in ticks: no verdict lives longer because somebody sets the clock back. */
  readonly untilTick: number
  /** Of the revocations that it was found with. */
  readonly version: number
}

/** A refused chain is looked at again after so long: a certificate that is not yet valid becomes it. */
const REFUSED_FOR = 60_000

/**
 * Path validation of our own decides whom to trust. The handshake's verdict does not: it knows one set of anchors, is
 * not repeated when a session is resumed, and its anchors would be named to every client, of which many then keep back
 * a self-signed certificate. Verdicts are kept with the connection, and found anew when a certificate of the path
 * expires, when what is known of revocations changes, and by a new set of anchors.
 */
export function certificateTrust(parts: TrustParts): CertificateTrust {
  const { sets, clock, ticks } = parts
  const connections = new WeakMap<
    PeerCertificate,
    Map<TrustSet, Judgement | Promise<TrustVerdict>>
  >()

  const judgeConnection = async (peer: PeerCertificate, set: TrustSet): Promise<Judgement> => {
    const sent = sentChain(peer) ?? messageChain(peer)
    if (!sent) return lasting(UNKNOWN_ORIGIN, Infinity, set.revocation.version, parts)
    return judge({ leaf: peer.raw, sha256: peer.thumbprintSha256, ...sent }, set, parts)
  }

  const isCurrent = ({ until, untilTick, version }: Judgement, { revocation }: TrustSet) =>
    version === revocation.version && clock() < until && ticks() < untilTick

  return {
    verify(peer, { anchors = DEFAULT_SET } = {}) {
      const set = sets.get(anchors)
      if (set === undefined) return unknownSet(anchors)
      let judgements = connections.get(peer)
      if (judgements === undefined) connections.set(peer, (judgements = new Map()))
      const known = judgements.get(set)
      if (known instanceof Promise) return known
      if (known && isCurrent(known, set)) return known.verdict
      const found = judgeConnection(peer, set).then(
        (judgement) => {
          judgements.set(set, judgement)
          return judgement.verdict
        },
        (error: unknown) => {
          judgements.delete(set)
          throw error
        },
      )
      judgements.set(set, found)
      return found
    },
  }
}

function messageChain(peer: PeerCertificate): SentChain | undefined {
  const beside = chainOfMessage(peer)
  return beside && { beside, resumed: false }
}

const UNKNOWN_ORIGIN = {
  ok: false,
  reason: 'chain-untrusted',
  got: 'a certificate of no connection and no message',
} as const

function unknownSet(name: string): Refusal & { readonly ok: false } {
  return {
    ok: false,
    reason: 'anchors-unknown',
    got: name.slice(0, 100),
    want: 'a set of trust.sets',
  }
}

async function judge(
  presented: Presented,
  { anchors, revocation }: TrustSet,
  parts: TrustParts,
): Promise<Judgement> {
  const { clock, ticks, patience } = parts
  const begun = ticks()
  const at = clock()
  const finding = await findPath(presented, anchors, at, parts)
  const { version } = revocation
  if (!finding.ok) {
    const until = finding.retryable ? -Infinity : at + REFUSED_FOR
    return lasting(finding, until, version, parts)
  }
  const { proven } = finding
  const path = revocation.looks ? parsedPath(presented.leaf, proven) : []
  const left = Math.max(0, patience - (ticks() - begun))
  const { verdict, until } = await revocation.check(path, left)
  return lasting(verdict, Math.min(until, proven.until), version, parts)
}

function lasting(
  verdict: TrustVerdict,
  until: number,
  version: number,
  { clock, ticks }: TrustParts,
): Judgement {
  return { verdict, until, untilTick: ticks() + (until - clock()), version }
}
