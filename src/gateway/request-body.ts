import type { IncomingMessage } from 'node:http'
import { Readable } from 'node:stream'

/**
 * A request's body as a stream of its own, so that it can be ended early without touching the
 * client's connection. It never errors: when the client goes away it just stays incomplete.
 */
export class RequestBody extends Readable {
  readonly #request: IncomingMessage
  readonly #onData = (chunk: Buffer): void => {
    if (!this.push(chunk)) this.#request.pause()
  }
  readonly #onEnd = (): void => {
    this.push(null)
  }

  constructor(request: IncomingMessage) {
    super()
    this.#request = request
    request.on('data', this.#onData).on('end', this.#onEnd)
  }

  override _read(): void {
    this.#request.resume()
  }

  override _destroy(_error: Error | null, callback: (error: Error | null) => void): void {
    this.#request.off('data', this.#onData).off('end', this.#onEnd).pause()
    callback(null)
  }
}

/**
 * Takes in a small body and hands it on in one piece; never does when the client goes away before
 * its end. A third cheaper than a stream, and no slow client holds a connection to the upstream
 * meanwhile.
 */
export function gatherBody(request: IncomingMessage, then: (body: Buffer) => void): void {
  const chunks: Buffer[] = []
  request
    .on('data', (chunk: Buffer) => chunks.push(chunk))
    .once('end', () => then(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)))
}
