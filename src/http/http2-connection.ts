import { constants } from 'node:http2'
import type { ServerHttp2Session } from 'node:http2'
import type { TLSSocket } from 'node:tls'

import type { Settings } from '../config/settings-schema.ts'
import { Http2Request } from './http2-request.ts'
import type { ReceivedStream } from './http2-request.ts'
import { Http2Response } from './http2-response.ts'
import type { ListenerHandlers } from './listener-handlers.ts'
import { awaitContinue } from './want-body.ts'

/** How long the other side may keep a connection open that we have ended, in milliseconds. */
const LINGER = 2000

/** Not those of the client's side, nor of its network. */
const ENDED_BY_US = new Set(['ERR_HTTP2_ERROR', 'ERR_HTTP2_TOO_MANY_INVALID_FRAMES'])

const { NGHTTP2_CANCEL, NGHTTP2_PROTOCOL_ERROR } = constants

/**
 * One HTTP/2 connection: its requests, in the words of HTTP/1.1, and its end. Whenever no request is under way a timer
 * runs, so that nobody keeps it for nothing; PING does not wind it up.
 */
export class Http2Connection {
  readonly #session: ServerHttp2Session
  readonly #socket: TLSSocket
  readonly #settings: Settings['listen']
  readonly #handlers: ListenerHandlers
  #requests = 0
  #open = 0
  #timer: NodeJS.Timeout

  constructor(
    session: ServerHttp2Session,
    socket: TLSSocket,
    settings: Settings['listen'],
    handlers: ListenerHandlers,
  ) {
    this.#session = session
    this.#socket = socket
    this.#settings = settings
    this.#handlers = handlers
    this.#timer = this.#closeAfter(settings.headersTimeout)
    session.on('error', (error: NodeJS.ErrnoException) => {
      if (ENDED_BY_US.has(error.code ?? '')) this.#report('http2-protocol', error.message)
    })
    session.on('close', () => {
      clearTimeout(this.#timer)
    })
    session.on('stream', (stream, headers, _flags, rawHeaders) => {
      // Reset again before we came to it.
      if (!stream.destroyed) this.#take({ stream, headers, rawHeaders })
    })
  }

  /** Takes no new requests and ends with the last that is under way (GOAWAY, RFC 9113 §6.8). */
  close(): void {
    this.#session.close()
    if (this.#open === 0) this.#destroySoon()
  }

  destroy(): void {
    this.#session.destroy()
    this.#socket.destroy()
  }

  #take(received: ReceivedStream): void {
    const { stream } = received
    const { idleTimeout, keepAliveTimeout, maxRequestsPerConnection } = this.#settings
    if (++this.#requests === 1) {
      clearTimeout(this.#timer)
      this.#timer = this.#closeAfter(keepAliveTimeout)
    }
    this.#open++
    // Whoever has the request sees that it was cut off.
    stream.on('error', () => undefined)
    stream.once('close', () => {
      this.#closed()
    })
    stream.setTimeout(idleTimeout, () => {
      stream.close(NGHTTP2_CANCEL)
    })
    if (this.#requests === maxRequestsPerConnection) this.close()
    this.#handle(received)
  }

  #handle(received: ReceivedStream): void {
    const { stream, headers } = received
    const scheme = headers[':scheme']
    if (scheme !== undefined && scheme !== 'https' && scheme !== 'http') {
      // Its `:path` would mean something else (RFC 9113 §8.3.1), and was checked for nothing.
      stream.close(NGHTTP2_PROTOCOL_ERROR)
      return
    }
    const request = new Http2Request(received, this.#socket)
    const response = new Http2Response(stream, request.method === 'HEAD')
    if (request.headSize > this.#settings.maxHeaderSize) {
      this.#report('http2-head-too-large')
      response.writeHead(431, [])
      response.end()
      return
    }
    const { expect } = headers
    if (expect === undefined) this.#handlers.onRequest(request, response)
    else if (expect.toLowerCase() === '100-continue') {
      awaitContinue(request, response)
      this.#handlers.onRequest(request, response)
    } else this.#handlers.onExpectation(request, response)
  }

  #closed(): void {
    if (--this.#open > 0) return
    if (this.#session.closed || this.#session.destroyed) this.#destroySoon()
    else this.#timer.refresh()
  }

  #closeAfter(milliseconds: number): NodeJS.Timeout {
    return setTimeout(() => {
      if (this.#open === 0) this.close()
    }, milliseconds)
  }

  /** Node waits for the other side to close too, for ever, and for the end of a head that never comes. */
  #destroySoon(): void {
    clearTimeout(this.#timer)
    if (this.#socket.destroyed) return
    this.#timer = setTimeout(() => {
      this.destroy()
    }, LINGER)
  }

  #report(reason: 'http2-protocol' | 'http2-head-too-large', got?: string): void {
    const { remoteAddress } = this.#socket
    this.#handlers.onRefusedConnection?.({
      reason,
      remoteAddress,
      ...(got !== undefined && { got }),
    })
  }
}
