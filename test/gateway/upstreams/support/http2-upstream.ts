import { EventEmitter, once } from 'node:events'
import { createSecureServer, createServer } from 'node:http2'
import type {
  IncomingHttpHeaders,
  SecureServerOptions,
  ServerHttp2Session,
  ServerHttp2Stream,
  ServerOptions,
} from 'node:http2'
import type { AddressInfo, Socket } from 'node:net'

import type { Ending } from '../../../support/recording-upstream.ts'

/** A request as it arrived, whole or not. */
export interface StreamSeen {
  readonly stream: ServerHttp2Stream
  readonly headers: IncomingHttpHeaders
  body: string
  trailers: IncomingHttpHeaders
  /** The other side ended it as it should. */
  ended: boolean
  /** The code it was cut off with. */
  cancelled: number | undefined
}

export interface Http2Upstream {
  readonly port: number
  readonly path: string | undefined
  readonly seen: readonly StreamSeen[]
  readonly sessions: readonly ServerHttp2Session[]
  /** Resolves when what is looked for is there; looks after each event of any stream. */
  until<T>(look: () => T | undefined | false): Promise<T>
  stop(): void
}

export interface Http2UpstreamOptions {
  readonly tls?: SecureServerOptions
  /** A socket instead of a port. */
  readonly path?: string
  readonly server?: ServerOptions
}

/** Called when the head of a request is here. */
export type StreamAnswer = (stream: ServerHttp2Stream, seen: StreamSeen) => void

const OK: StreamAnswer = (stream) => {
  stream.respond({ ':status': 200 })
  stream.end('OK')
}

/** An upstream that speaks HTTP/2 only, without TLS by prior knowledge. */
export async function http2Upstream(
  t: Ending,
  answer: StreamAnswer = OK,
  { tls, path, server: options }: Http2UpstreamOptions = {},
): Promise<Http2Upstream> {
  const server = tls ? createSecureServer({ ...tls, ...options }) : createServer(options ?? {})
  const seen: StreamSeen[] = []
  const sessions: ServerHttp2Session[] = []
  const sockets = new Set<Socket>()
  const events = new EventEmitter().setMaxListeners(0)
  const tell = (): void => {
    events.emit('change')
  }
  server.on('connection', (socket: Socket) => {
    sockets.add(socket)
    socket.on('close', () => {
      sockets.delete(socket)
      tell()
    })
  })
  server.on('session', (session: ServerHttp2Session) => {
    sessions.push(session)
    session.on('error', () => undefined)
    tell()
  })
  server.on('stream', (stream: ServerHttp2Stream, headers: IncomingHttpHeaders) => {
    const one: StreamSeen = {
      stream,
      headers,
      body: '',
      trailers: {},
      ended: false,
      cancelled: undefined,
    }
    seen.push(one)
    stream.on('error', () => undefined)
    stream.on('data', (chunk: Buffer) => {
      one.body += chunk.toString('latin1')
      tell()
    })
    stream.on('trailers', (trailers: IncomingHttpHeaders) => (one.trailers = trailers))
    stream.on('end', () => {
      // what is cut off has an end too
      one.ended = stream.rstCode === 0 && !stream.aborted
      tell()
    })
    stream.on('close', () => {
      if (stream.aborted) one.cancelled = stream.rstCode
      tell()
    })
    answer(stream, one)
    tell()
  })
  server.on('sessionError', () => undefined)
  if (path === undefined) server.listen(0, '127.0.0.1')
  else server.listen(path)
  await once(server, 'listening')
  const stop = (): void => {
    for (const session of sessions) session.destroy()
    for (const socket of sockets) socket.destroy()
    server.close()
  }
  t.teardown(stop)
  return {
    port: path === undefined ? (server.address() as AddressInfo).port : 0,
    path,
    seen,
    sessions,
    async until(look) {
      for (;;) {
        const found = look()
        if (found !== undefined && found !== false) return found
        await once(events, 'change')
      }
    },
    stop,
  }
}
