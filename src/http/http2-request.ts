import { Http2ServerRequest } from 'node:http2'
import type { IncomingHttpHeaders, ServerHttp2Stream } from 'node:http2'
import type { TLSSocket } from 'node:tls'

/** What came with a stream, as node tells it. */
export interface ReceivedStream {
  readonly stream: ServerHttp2Stream
  readonly headers: IncomingHttpHeaders
  readonly rawHeaders: readonly string[]
}

/**
 * A request over HTTP/2 in the words of HTTP/1.1, so that all that looks at requests looks at one kind of them:
 *
 * - `rawHeaders` and `headers` have no pseudo-headers; `host` is the `:authority` (RFC 9113 §8.3.1). A `Host` that says
 *   something else stays beside it, and is refused as a repeated one.
 * - Crumbs of `cookie` are one line (§8.2.3).
 * - A body without a length is `transfer-encoding: chunked`, which no client can send here (§8.2.2).
 * - `socket` is the real one, not a proxy made for each stream: it identifies the connection, and must not be written to.
 * - `complete` means that the body arrived whole, and `end` comes only then. Node's means that nothing more will come.
 */
export class Http2Request extends Http2ServerRequest {
  override readonly socket: TLSSocket
  override readonly rawHeaders: string[]
  override readonly headers: IncomingHttpHeaders
  override complete: boolean
  /** Bytes of the head, as HTTP/1.1 would count them. */
  readonly headSize: number

  constructor({ stream, headers, rawHeaders }: ReceivedStream, socket: TLSSocket) {
    super(stream, headers, {}, rawHeaders)
    this.socket = socket
    this.complete = stream.endAfterHeaders
    this.headers = plainHeaders(headers)
    const { lines, size } = plainLines(rawHeaders)
    if (!this.complete && headers['content-length'] === undefined) {
      lines.push('transfer-encoding', 'chunked')
      this.headers['transfer-encoding'] = 'chunked'
    }
    this.rawHeaders = lines
    this.headSize = size
  }

  override push(chunk: unknown, encoding?: BufferEncoding): boolean {
    if (chunk !== null) return super.push(chunk, encoding)
    // Node ends what the client cut off in the same way as what it ended.
    if (this.stream.closed && !this.complete) return false
    this.complete = true
    return super.push(null)
  }

  override _read(size: number): void {
    // Node's own asserts that it is not asked after the end, which cannot be kept once `end` was held back.
    // oxlint-disable-next-line no-underscore-dangle -- what a Readable is asked by
    if (!this.stream.destroyed) super._read(size)
  }
}

const COLON = 0x3a

function plainHeaders(headers: IncomingHttpHeaders): IncomingHttpHeaders {
  const plain: IncomingHttpHeaders = {}
  for (const name in headers) {
    if (name.charCodeAt(0) !== COLON) plain[name] = headers[name]
  }
  const authority = headers[':authority']
  if (authority !== undefined) plain.host = authority
  return plain
}

function plainLines(rawHeaders: readonly string[]): { lines: string[]; size: number } {
  const lines: string[] = []
  let authority: string | undefined
  let cookie = 0
  let size = 0
  for (let i = 0; i < rawHeaders.length; i += 2) {
    const name = rawHeaders[i] ?? ''
    const value = rawHeaders[i + 1] ?? ''
    size += name.length + value.length + 4
    if (name.charCodeAt(0) === COLON) {
      if (name === ':authority') lines.push('host', (authority = value))
    } else if (name === 'cookie' && cookie > 0) lines[cookie] += `; ${value}`
    else if (name !== 'host' || value.toLowerCase() !== authority?.toLowerCase()) {
      lines.push(name, value)
      if (name === 'cookie') cookie = lines.length - 1
    }
  }
  return { lines, size }
}
