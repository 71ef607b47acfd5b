import type { TLSSocket } from 'node:tls'

import type { PeerCertificate } from '#contract'

import { defaultPathLimits } from './path/limits.ts'
import { peerCertificate } from './peer-certificate.ts'

/** What a client sent beside its certificate. Untrusted, as it came. */
export interface SentChain {
  /** DER, in the order of the wire. */
  readonly beside: readonly Uint8Array[]
  /** The TLS session was resumed: it knows the leaf and nothing beside it. */
  readonly resumed: boolean
}

const peers = new WeakMap<TLSSocket, PeerCertificate | 'none'>()
const sockets = new WeakMap<PeerCertificate, TLSSocket>()

/** The peer certificate of a connection, read once. What the handshake thought of its chain is not asked. */
export function peerOfConnection(socket: TLSSocket): PeerCertificate | undefined {
  const known = peers.get(socket)
  if (known) return known === 'none' ? undefined : known
  const certificate = socket.getPeerX509Certificate()
  if (!certificate) {
    peers.set(socket, 'none')
    return undefined
  }
  const peer = peerCertificate(certificate)
  peers.set(socket, peer)
  sockets.set(peer, socket)
  return peer
}

/**
 * What came beside a peer certificate; a certificate that was in no handshake has none. The walk ends one
 * certificate beyond what path validation looks at, so that a longer chain is refused and not cut to fit.
 */
export function sentChain(peer: PeerCertificate): SentChain | undefined {
  const socket = sockets.get(peer)
  if (socket === undefined) return undefined
  const beside: Uint8Array[] = []
  let bytes = peer.raw.length
  let next = socket.getPeerX509Certificate()?.issuerCertificate
  while (next && beside.length <= extraCertificates && bytes <= totalBytes) {
    beside.push(next.raw)
    bytes += next.raw.length
    next = next.issuerCertificate
  }
  return { beside, resumed: socket.isSessionReused() }
}

const { extraCertificates, totalBytes } = defaultPathLimits
