import type { ConnectionOptions } from 'node:tls'

import type { buildConnector } from 'undici'

import type { Dispatching } from './dispatching.ts'
import { brokeKeptConnection } from './kept-connections.ts'
import type { TargetAddress } from './target-address.ts'
import { undiciParts } from './undici-parts.ts'

/** How many connections, and how patiently. Times are in milliseconds. */
export interface DispatchLimits {
  readonly connections: number
  readonly connect: number
  /** From the end of the request to the head of the answer. */
  readonly headers: number
  /** Between two pieces of the answer. */
  readonly idle: number
}

/** Requests to one target over HTTP/1.1, one at a time on each connection. */
export function http1Dispatching(
  address: TargetAddress,
  tls: ConnectionOptions | undefined,
  { connections, connect, headers, idle }: DispatchLimits,
): Dispatching {
  return new undiciParts.Pool(address.origin, {
    connections,
    pipelining: 1,
    allowH2: false,
    headersTimeout: headers,
    bodyTimeout: idle,
    connect: connector(address, tls, connect),
  })
}

function connector(
  { socketPath }: TargetAddress,
  tls: ConnectionOptions | undefined,
  timeout: number,
): buildConnector.connector {
  const open = undiciParts.buildConnector({
    ...(tls as buildConnector.BuildOptions),
    ...(socketPath !== undefined && { socketPath }),
    timeout,
    allowH2: false,
  })
  const servername = tls?.servername ?? ''
  return (options, callback) => {
    open({ ...options, servername }, (...outcome) => {
      const [, socket] = outcome
      // before undici's own, which hands the error on
      socket?.on('error', (error) => {
        if (socket.bytesRead > 0) brokeKeptConnection(error)
      })
      callback(...outcome)
    })
  }
}
