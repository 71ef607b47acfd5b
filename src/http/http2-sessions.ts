import { performServerHandshake } from 'node:http2'
import type { ServerOptions } from 'node:http2'
import type { TLSSocket } from 'node:tls'

import type { Settings } from '../config/settings-schema.ts'
import { Http2Connection } from './http2-connection.ts'
import type { ListenerHandlers } from './listener-handlers.ts'

/** The HTTP/2 connections of a listener. */
export interface Http2Sessions {
  /** Speaks HTTP/2 on a connection whose handshake agreed on it. */
  take(socket: TLSSocket): void
  /** Takes no new requests, lets those under way end, and closes what has none. */
  close(): void
  destroyAll(): void
}

/** Pseudo-headers, and lines over the count of `maxHeaders` that are refused where others are, with a log line. */
const MORE_PAIRS = 108
/** What RFC 9113 §6.5.2 counts for each line beside its bytes. */
const LINE = 32
/** For the whole of a connection, in bytes; a stream has the protocol's 64 KiB. */
const WINDOW = 1024 * 1024

/** Serves HTTP/2 under the limits of the listener; what leaves them ends its stream or its connection. */
export function http2Sessions(
  settings: Settings['listen'],
  handlers: ListenerHandlers,
): Http2Sessions {
  const options = sessionOptions(settings)
  const open = new Set<Http2Connection>()
  let closing = false
  return {
    take(socket) {
      const session = performServerHandshake(socket, options)
      session.setLocalWindowSize(WINDOW)
      const connection = new Http2Connection(session, socket, settings, handlers)
      open.add(connection)
      socket.once('close', () => open.delete(connection))
      if (closing) connection.close()
    },
    close() {
      closing = true
      for (const connection of open) connection.close()
    },
    destroyAll() {
      for (const connection of open) connection.destroy()
    },
  }
}

/** Floods of PING, SETTINGS, empty frames and CONTINUATION end the connection by limits of nghttp2's own. */
function sessionOptions({ http2, maxHeaders, maxHeaderSize }: Settings['listen']): ServerOptions {
  return {
    settings: {
      maxConcurrentStreams: http2.maxConcurrentStreams,
      maxHeaderListSize: maxHeaderSize + LINE * maxHeaders,
      enableConnectProtocol: false,
    },
    maxHeaderListPairs: maxHeaders + MORE_PAIRS,
    // Mebibytes: headers, frames and answers that the client does not take.
    maxSessionMemory: 10,
    // Streams that the client resets: so many at once, and then so many a second (CVE-2023-44487).
    streamResetBurst: 1000,
    streamResetRate: 33,
    maxSessionInvalidFrames: 100,
    maxSessionRejectedStreams: 100,
    maxOutstandingPings: 10,
    maxSettings: 32,
    // What the API behind us says twice is its business.
    strictSingleValueFields: false,
  }
}
