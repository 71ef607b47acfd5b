import { Http2ServerResponse } from 'node:http2'
import type { ServerHttp2Stream } from 'node:http2'

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
    this.#isHead = isHead
  }

  /** @param lines name and value in turn */
  override writeHead(status: number, lines?: unknown, more?: unknown): this {
    if (!Array.isArray(lines)) return super.writeHead(status, lines as never, more as never)
    const { stream } = this
    if (stream.destroyed || stream.closed) return this
    this.statusCode = status
    const head = [':status', String(status), ...(lines as string[])]
    stream.respond(head, { waitForTrailers: this.trailersMayFollow })
    return this
  }

  override write(chunk: unknown, ...rest: unknown[]): boolean {
    // Node has ended the stream of a HEAD already, and would fail it for this.
    return this.#isHead || super.write(chunk as never, ...(rest as []))
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
      return this.stream.writableFinished && !this.stream.aborted
    },
  },
}
Object.defineProperties(Http2Response.prototype, MENDED)
