import { X509Certificate } from 'node:crypto'

import type { Certificates, PeerCertificate } from '#contract'

import { defaultPathLimits } from './path/limits.ts'
import { peerCertificate } from './peer-certificate.ts'

const chains = new WeakMap<PeerCertificate, readonly Uint8Array[]>()

/** Reads certificates that somebody vouches for in a message, with what came beside them. */
export const certificates: Certificates = {
  read(der, chain = []) {
    if (der.length > defaultPathLimits.leafBytes) return undefined
    const x509 = parse(der)
    if (x509 === undefined) return undefined
    const peer = peerCertificate(x509)
    chains.set(peer, chain)
    return peer
  },
}

/** DER of what came beside a certificate that was read from a message; undefined: it was in none. */
export function chainOfMessage(peer: PeerCertificate): readonly Uint8Array[] | undefined {
  return chains.get(peer)
}

/** OpenSSL takes PEM as well, and does not mind what follows. */
function parse(der: Uint8Array): X509Certificate | undefined {
  try {
    const x509 = new X509Certificate(der)
    return x509.raw.equals(der) ? x509 : undefined
  } catch {
    return undefined
  }
}
