import { Readable } from 'node:stream'

import type { ClientRequest } from '../http/client-message.ts'
import { wantBody } from '../http/want-body.ts'

/** A body is longer than its route allows. */
export const TOO_LARGE = { status: 413, reason: 'body-too-large' } as const

/**
 * A request's body as a stream of its own, so that it can be ended early without touching the
 * client's connection. It never errors: when the client goes away, or sends more than it may, it
 * just stays incomplete.
 */
export class RequestBody extends Readable {
  readonly #request: ClientRequest
  readonly #onTooLarge: (() => void) | undefined
  /** Bytes that may still come. */
  #left: number
  readonly #onData = (chunk: Buffer): void => {
    this.#left -= chunk.length
    if (this.#left < 0) this.#onTooLarge?.()
    else if (!this.push(chunk)) this.#request.pause()
  }
  readonly #onEnd = (): void => {
    // Cut short it must not pass for whole.
    if (this.#left >= 0) this.push(null)
  }

  /** @param onTooLarge called, and nothing passed on any more, when more than `maxBody` bytes come; it has to destroy this */
  constructor(request: ClientRequest, maxBody = Infinity, onTooLarge?: () => void) {
    super()
    this.#request = request
    this.#left = maxBody
    this.#onTooLarge = onTooLarge
    request.on('data', this.#onData).on('end', this.#onEnd)
  }

  /** Asked by the connection to the upstream, so it is there. */
  override _read(): void {
    wantBody(this.#request)
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
export function gatherBody(request: ClientRequest, then: (body: Buffer) => void): void {
  const chunks: Buffer[] = []
  wantBody(request)
  request
    .on('data', (chunk: Buffer) => chunks.push(chunk))
    .once('end', () => then(chunks.length === 1 && chunks[0] ? chunks[0] : Buffer.concat(chunks)))
}
