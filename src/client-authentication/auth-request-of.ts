import type { Socket } from 'node:net'
import type { TLSSocket } from 'node:tls'

import type { AuthRequest, PeerCertificate } from '#contract'

import { peerOfConnection } from '../certificates/peer-of-connection.ts'
import type { ClientRequest } from '../http/client-message.ts'
import type { ReadyPlugin } from '../plugin-host/set-up.ts'
import { behindProxy } from './behind-proxy.ts'
import type { AuthRequestReading } from './behind-proxy.ts'

/** What a parser may know beside what the connection and the headers say. */
export type RequestFacts = Pick<AuthRequest, 'purpose' | 'method' | 'path' | 'form'> & {
  readonly callerAddress: string | undefined
}

/**
 * What node received → what parsers see.
 * @param readers the parsers that know proxies
 * @param relayed the connection is a proxy's for certain: its certificate is not the client's
 */
export function authRequestOf(
  { socket, headers }: ClientRequest,
  { purpose, method, path, form, callerAddress }: RequestFacts,
  readers: readonly ReadyPlugin<'parsers'>[],
  relayed = false,
): AuthRequestReading {
  const peer = connectionPeer(socket)
  const { remoteAddress } = socket
  const request: AuthRequest = {
    purpose,
    method,
    path,
    headers: headers as Record<string, string | undefined>,
    form,
    ...(remoteAddress !== undefined && { remoteAddress }),
    ...(callerAddress !== undefined && { callerAddress }),
    ...(peer && { peer }),
  }
  if (readers.length === 0 && !relayed) return { ok: true, request }
  return behindProxy(request, readers, relayed)
}

/** The certificate of the other end of a connection: a client's or a proxy's. */
export function connectionPeer(socket: Socket): PeerCertificate | undefined {
  return 'encrypted' in socket ? peerOfConnection(socket as TLSSocket) : undefined
}
