import { constants } from 'node:http2'
import type {
  ClientHttp2Session,
  ClientHttp2Stream,
  IncomingHttpHeaders,
  IncomingHttpStatusHeader,
} from 'node:http2'
import type { Readable } from 'node:stream'

import type { DispatchController, DispatchHandler, DispatchLine } from './dispatching.ts'
import { Http2Failure } from './http2-failure.ts'
import { http2Headers } from './http2-headers.ts'
import { brokeKeptConnection } from './kept-connections.ts'

/** What a request needs of the session that carries it. Times are in milliseconds. */
export interface RequestSurroundings {
  readonly session: ClientHttp2Session
  readonly scheme: 'http' | 'https'
  /** From the end of the request to the head of the answer. */
  readonly headers: number
  /** Between two pieces of a body. */
  readonly idle: number
  /** Whether the other side said that it did nothing about this stream. */
  isUnread(stream: ClientHttp2Stream): boolean
  /** Whether the session has served requests before. */
  isKept(): boolean
  /** It did not answer in time: is it there at all? */
  onSilence(): void
  /** The stream is closed, its place is free. @param answered whether an answer had begun */
  onClosed(answered: boolean): void
}

type AnswerHead = IncomingHttpHeaders & IncomingHttpStatusHeader

const { NGHTTP2_CANCEL, NGHTTP2_FLAG_END_STREAM, NGHTTP2_REFUSED_STREAM } = constants

/** One request on a stream of its own, both directions at once. */
export class Http2Request implements DispatchController {
  readonly #handler: DispatchHandler
  readonly #around: RequestSurroundings
  readonly #stream: ClientHttp2Stream
  #timer: NodeJS.Timeout
  #body: Readable | undefined
  /** For a body that may stay unfinished: to `close` such a stream would end it first, as if it were whole. */
  #cutOff: AbortController | undefined
  #trailers: IncomingHttpHeaders = {}
  #answered = false
  /** The answer has come to its end. */
  #isWhole = false
  #over = false
  #paused = false
  /** The request is sent to its end. */
  #sent = false

  /** @throws Node's error for a request that cannot be said in HTTP/2; what the handler throws when it is about to be sent */
  constructor(line: DispatchLine, handler: DispatchHandler, around: RequestSurroundings) {
    this.#handler = handler
    this.#around = around
    handler.onRequestStart(this)
    const { body } = line
    const isStreamed = body !== null && !Buffer.isBuffer(body)
    if (isStreamed) this.#cutOff = new AbortController()
    const stream = around.session.request(http2Headers(line, around.scheme), {
      endStream: body === null,
      waitForTrailers: isStreamed,
      ...(this.#cutOff && { signal: this.#cutOff.signal }),
    })
    this.#stream = stream
    this.#watchEnd(stream)
    this.#timer = setTimeout(() => this.#silent(), around.headers)
    stream
      .on('response', (headers, flags) => this.#onHead(headers, flags))
      .on('headers', (headers) => this.#onInterim(headers))
      .on('trailers', (trailers) => (this.#trailers = trailers))
      .on('data', (chunk: Buffer) => this.#onData(chunk))
      .on('end', () => this.#onEnd())
      // told by `close`, which follows and knows more
      .on('error', (error) => this.#fail(this.#reasonOf(error)))
      .on('close', () => this.#onClose())
    if (!isStreamed) {
      this.#sent = true
      if (body !== null) stream.end(body)
      return
    }
    this.#body = body
    stream.on('wantTrailers', () => stream.sendTrailers({ ...line.trailers?.() }))
    stream.on('finish', () => {
      this.#sent = true
      this.#timer.refresh()
    })
    this.#send(body)
  }

  pause(): void {
    this.#paused = true
    this.#stream.pause()
  }

  resume(): void {
    if (!this.#paused) return
    this.#paused = false
    this.#timer.refresh()
    if (!this.#over) this.#stream.resume()
  }

  abort(reason: Error): void {
    this.#fail(reason)
  }

  /** Node ends what was cut off (RST_STREAM with NO_ERROR) in the same way as what has ended, but only once it is closed. */
  #watchEnd(stream: ClientHttp2Stream): void {
    const push = stream.push
    stream.push = (chunk, encoding) => {
      if (chunk === null && !stream.closed) this.#isWhole = true
      return push.call(stream, chunk, encoding)
    }
  }

  /** Hands the body on as fast as it is taken; when it breaks off, so does the stream. */
  #send(body: Readable): void {
    const stream = this.#stream
    body.on('data', (chunk: Buffer) => {
      this.#timer.refresh()
      if (!stream.write(chunk)) body.pause()
    })
    stream.on('drain', () => {
      this.#timer.refresh()
      body.resume()
    })
    body.once('end', () => {
      if (!this.#over) stream.end()
    })
  }

  #onInterim(headers: AnswerHead): void {
    if (this.#over) return
    this.#timer.refresh()
    this.#tellHead(headers)
  }

  #onHead(headers: AnswerHead, flags: number): void {
    if (this.#over) return
    this.#answered = true
    clearTimeout(this.#timer)
    this.#timer = setTimeout(() => this.#silent(), this.#around.idle)
    this.#tellHead(headers)
    // at once, so that the head and the end can be handed on as one
    if ((flags & NGHTTP2_FLAG_END_STREAM) !== 0) this.#onEnd()
  }

  #tellHead({ ':status': status = 0, ...headers }: AnswerHead): void {
    try {
      this.#handler.onResponseStarted()
      this.#handler.onResponseStart(this, status, headers)
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #onData(chunk: Buffer): void {
    if (this.#over) return
    this.#timer.refresh()
    try {
      this.#handler.onResponseData(this, chunk)
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  #onEnd(): void {
    if (this.#over || !this.#answered || !this.#isWhole) return
    try {
      this.#handler.onResponseEnd(this, this.#trailers)
    } catch (error) {
      this.#fail(error as Error)
      return
    }
    this.#over = true
    // nobody reads what is still to come of the request
    if (!this.#sent) this.#cancel()
  }

  #silent(): void {
    const waits = this.#answered ? !this.#paused : this.#sent || this.#stream.writableNeedDrain
    if (!waits) {
      this.#timer.refresh()
      return
    }
    this.#around.onSilence()
    this.#fail(
      new Http2Failure(this.#answered ? 'UND_ERR_BODY_TIMEOUT' : 'UND_ERR_HEADERS_TIMEOUT'),
    )
  }

  #fail(error: Error): void {
    if (this.#over) return
    this.#over = true
    this.#cancel()
    this.#handler.onResponseError(this, error)
  }

  #onClose(): void {
    clearTimeout(this.#timer)
    this.#fail(this.#reasonOf(undefined))
    this.#around.onClosed(this.#answered)
  }

  #reasonOf(error: Error | undefined): Error {
    const stream = this.#stream
    if (stream.rstCode === NGHTTP2_REFUSED_STREAM || this.#around.isUnread(stream)) {
      return new Http2Failure('ERR_HTTP2_REFUSED_STREAM')
    }
    const { session, isKept } = this.#around
    if (session.closed || session.destroyed) {
      const broke = error ?? new Http2Failure('ERR_HTTP2_SESSION_CLOSED')
      if (isKept()) brokeKeptConnection(broke)
      return broke
    }
    return error ?? new Http2Failure('ERR_HTTP2_STREAM_CLOSED', `code ${stream.rstCode}`)
  }

  #cancel(): void {
    const body = this.#body
    body?.removeAllListeners('data').pause()
    if (this.#sent) this.#stream.close(NGHTTP2_CANCEL)
    else this.#cutOff?.abort()
  }
}
