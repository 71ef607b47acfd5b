import { Http2ServerResponse } from 'node:http2'
import type {
  OutgoingHttpHeaders,
  ServerHttp2Stream,
  ServerStreamResponseOptions,
} from 'node:http2'

/** An answer over HTTP/2, mended where node's would surprise those who know its HTTP/1.1 one. */
export class Http2Response extends Http2ServerResponse {
  /** Streams end alone; there is nothing to close. */
  shouldKeepAlive = true
  trailersMayFollow = true
  /** Node has it; its types do not. */
  declare flushHeaders: () => void
  readonly #isHead: boolean

  constructor(stream: ServerHttp2Stream, isHead: boolean) {
    super(stream)
    // Node's tells of the end of a HEAD's stream only once the answer was ended: of one given up before, never.
    if (isHead) stream.once('close', () => this.end())
    this.#isHead = isHead
  }

  /** @param lines name and value in turn */
  override writeHead(status: number, lines?: unknown, more?: unknown): this {
    if (!Array.isArray(lines)) return super.writeHead(status, lines as never, more as never)
    this.#respond(status, lines as string[], { waitForTrailers: this.trailersMayFollow })
    return this
  }

  /** Sends a head that is all of the answer, and says so itself. @param lines name and value in turn */
  endWithHead(status: number, lines: readonly string[]): void {
    // Not by `end` alone: when the head cannot be said, node takes the answer for ended, and would send no other.
    this.#respond(status, lines, { endStream: true })
    this.end()
  }

  #respond(status: number, lines: readonly string[], options: ServerStreamResponseOptions): void {
    const { stream } = this
    if (stream.destroyed || stream.closed) return
    this.statusCode = status
    stream.respond([':status', String(status), ...lines], options)
  }

  override write(chunk: unknown, ...rest: unknown[]): boolean {
    // Node has ended the stream of a HEAD already, and would fail it for this.
    return this.#isHead || super.write(chunk as never, ...(rest as []))
  }

  /** @param onFailure told when they cannot be said; the answer is cut off then */
  override addTrailers(trailers: OutgoingHttpHeaders, onFailure?: (error: Error) => void): void {
    const { stream } = this
    // Node's own says them later, where what it throws would end the process.
    stream.removeAllListeners('wantTrailers').once('wantTrailers', () => {
      try {
        stream.sendTrailers(trailers)
      } catch (error) {
        // Before the end of the stream, which would pass for the client's doing.
        onFailure?.(error as Error)
        stream.destroy(error as Error)
      }
    })
  }

  override destroy(): this {
    const { stream } = this
    // Node's would say NO_ERROR, and `close` would send the end of the body first: to clients what was cut off is whole
    // then. Destroyed with an error it is RST_STREAM with INTERNAL_ERROR and nothing before it.
    if (!stream.destroyed && !this.writableFinished) stream.destroy(new Error('cut off'))
    return this
  }
}

const MENDED: PropertyDescriptorMap & ThisType<Http2Response> = {
  /** Node's has none. */
  destroyed: {
    get() {
      return this.stream.destroyed || this.stream.closed
    },
  },
  /** Node's is true of an answer that nobody took. */
  writableFinished: {
    get() {
      const { headersSent, writableFinished, aborted } = this.stream
      return headersSent && writableFinished && !aborted
    },
  },
}
Object.defineProperties(Http2Response.prototype, MENDED)
