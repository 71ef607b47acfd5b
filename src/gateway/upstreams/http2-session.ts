import { connect as connectSession } from 'node:http2'
import type { ClientHttp2Session } from 'node:http2'
import { connect as connectSocket } from 'node:net'
import type { Socket } from 'node:net'
import { connect as connectTls } from 'node:tls'
import type { ConnectionOptions } from 'node:tls'

import type { DispatchHandler, DispatchLine } from './dispatching.ts'
import { Http2Failure } from './http2-failure.ts'
import { Http2Request } from './http2-request.ts'
import type { RequestSurroundings } from './http2-request.ts'
import type { DispatchLimits } from './http1-dispatching.ts'
import type { TargetAddress } from './target-address.ts'

/** What a session tells of itself. */
export interface SessionEvents {
  /** It has room, for the first time or again. */
  onRoom(): void
  /** It takes no more requests; `error`: it never took any. */
  onGone(session: Http2Session, error?: Error): void
}

/** As many requests at once are sent on one session, or fewer when the other side says so. */
export const STREAMS = 100

/** A session that nobody needs is closed after this, in milliseconds. */
const KEPT = 60_000

/** For the answer to a ping after something did not answer in time, in milliseconds. */
const PING = 5_000

/** Bytes of an answer's body that may be on their way before the client takes them. */
const WINDOW = 262_144

/**
 * One connection that speaks HTTP/2. It counts as open when the other side has said its settings:
 * before that nobody knows whether it speaks HTTP/2 at all, and how much it takes.
 */
export class Http2Session {
  readonly #address: TargetAddress
  readonly #limits: DispatchLimits
  readonly #events: SessionEvents
  readonly #socket: Socket
  readonly #timer: NodeJS.Timeout
  #around: RequestSurroundings | undefined
  #session: ClientHttp2Session | undefined
  #isOpen = false
  #isGone = false
  #active = 0
  #hasServed = false
  /** Streams above were not looked at, says a GOAWAY. */
  #lastStream = Infinity
  #isPinging = false

  constructor(
    address: TargetAddress,
    tls: ConnectionOptions | undefined,
    limits: DispatchLimits,
    events: SessionEvents,
  ) {
    this.#address = address
    this.#limits = limits
    this.#events = events
    const { host, port, socketPath } = address
    const to = socketPath === undefined ? { host, port } : { path: socketPath }
    this.#socket = tls ? connectTls({ ...to, ...tls, ALPNProtocols: ['h2'] }) : connectSocket(to)
    this.#socket.setNoDelay(true).setKeepAlive(true, KEPT)
    this.#timer = setTimeout(() => {
      this.#gone(new Http2Failure('UND_ERR_CONNECT_TIMEOUT'))
    }, limits.connect)
    this.#socket
      .on('error', (error) => this.#gone(error))
      .on('close', () => this.#gone(new Http2Failure('ERR_HTTP2_SESSION_CLOSED')))
      .once(tls ? 'secureConnect' : 'connect', () => this.#greet(tls !== undefined))
  }

  get hasRoom(): boolean {
    if (!this.#isOpen || this.#isGone || this.#session === undefined) return false
    const { maxConcurrentStreams = STREAMS } = this.#session.remoteSettings
    return this.#active < Math.min(maxConcurrentStreams, STREAMS)
  }

  get isConnecting(): boolean {
    return !this.#isOpen && !this.#isGone
  }

  /** Only when there is room. */
  send(line: DispatchLine, handler: DispatchHandler): void {
    const around = this.#around
    if (around === undefined) return
    try {
      // oxlint-disable-next-line no-new
      new Http2Request(line, handler, around)
      this.#active++
    } catch (error) {
      handler.onResponseError(undefined, error as Error)
    }
  }

  /** Takes no more requests, and ends with the last of them. */
  close(): void {
    this.#gone()
    this.#session?.close()
    if (this.#session === undefined || this.#session.connecting) this.#socket.destroy()
  }

  destroy(error: Error): void {
    this.#gone(error)
    this.#session?.destroy(error)
    this.#socket.destroy()
  }

  /** Resolves when the connection is closed. */
  async closed(): Promise<void> {
    if (this.#socket.closed) return
    await new Promise<void>((resolve) => {
      this.#socket.once('close', () => {
        resolve()
      })
    })
  }

  #greet(isTls: boolean): void {
    const socket = this.#socket
    if (isTls && (socket as { alpnProtocol?: unknown }).alpnProtocol !== 'h2') {
      this.destroy(new Http2Failure('ERR_HTTP2_NOT_SPOKEN', 'by ALPN'))
      return
    }
    const session = connectSession(this.#address.origin, {
      createConnection: () => socket,
      settings: { enablePush: false, initialWindowSize: WINDOW },
      // as HTTP/1.1 has no such rule, and the client was served by it
      strictSingleValueFields: false,
      maxSessionMemory: 64,
    } as Parameters<typeof connectSession>[1])
    this.#session = session
    this.#around = {
      session,
      scheme: this.#address.secure ? 'https' : 'http',
      headers: this.#limits.headers,
      idle: this.#limits.idle,
      isUnread: ({ id = 0 }) => id > this.#lastStream,
      onSilence: () => this.#ping(),
      isKept: () => this.#hasServed,
      onClosed: (answered) => this.#onStreamClosed(answered),
    }
    session
      .on('error', (error) => this.#gone(error))
      .on('close', () => this.#gone(new Http2Failure('ERR_HTTP2_SESSION_CLOSED')))
      .on('goaway', (_code, lastStream) => {
        this.#lastStream = lastStream ?? Infinity
        this.#gone()
      })
      .on('remoteSettings', () => this.#onSettings())
  }

  #onSettings(): void {
    if (this.#isGone) return
    if (!this.#isOpen) {
      this.#isOpen = true
      clearTimeout(this.#timer)
      this.#session?.setTimeout(KEPT, () => {
        if (this.#active === 0) this.close()
      })
    }
    this.#events.onRoom()
  }

  #onStreamClosed(answered: boolean): void {
    this.#active--
    this.#hasServed ||= answered
    if (!this.#isGone) this.#events.onRoom()
  }

  /**
   * Only after something went wrong: many servers of gRPC take regular pings for an attack, and a
   * dead connection on which nothing is asked is found by TCP.
   */
  #ping(): void {
    const session = this.#session
    if (this.#isPinging || session === undefined || session.destroyed) return
    this.#isPinging = true
    const deadline = setTimeout(() => {
      this.destroy(new Http2Failure('ERR_HTTP2_SESSION_CLOSED', 'no answer to a ping'))
    }, PING)
    session.ping(() => {
      clearTimeout(deadline)
      this.#isPinging = false
    })
  }

  #gone(error?: Error): void {
    clearTimeout(this.#timer)
    if (this.#isGone) return
    this.#isGone = true
    if (this.#isOpen || error === undefined) {
      this.#events.onGone(this)
      return
    }
    this.#socket.destroy()
    this.#events.onGone(this, error)
  }
}
