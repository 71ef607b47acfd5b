import type { Socket } from 'node:net'

/** How long a side may take for what is still under way to it when the connection ends, in milliseconds. */
const LINGER = 2000

/**
 * Two connections that the package has joined, each piped into the other. What it leaves open is ended here: when one
 * side is gone the other is too, also when it was cut off.
 */
export class Tunnel {
  readonly #client: Socket
  readonly #upstream: Socket
  #reason: string | undefined
  #open = 2

  /**
   * @param idle without a byte in either direction, in milliseconds
   * @param onClosed called once, when both connections are closed, with what ended them
   */
  constructor(client: Socket, upstream: Socket, idle: number, onClosed: (reason: string) => void) {
    this.#client = client
    this.#upstream = upstream
    this.#watch(client, upstream, 'client', onClosed)
    this.#watch(upstream, client, 'upstream', onClosed)
    // Whatever passes goes through this one.
    upstream.setTimeout(idle, () => this.end('tunnel-idle'))
  }

  /** Ends both connections: what has not been read yet of either side goes nowhere. */
  end(reason: string): void {
    this.#reason ??= reason
    this.#client.unpipe(this.#upstream)
    this.#upstream.unpipe(this.#client)
    finish(this.#client)
    finish(this.#upstream)
  }

  #watch(side: Socket, other: Socket, name: string, onClosed: (reason: string) => void): void {
    const note = (what: string) => () => {
      this.#reason ??= `${name}-${what}`
    }
    side.once('end', note('closed')).once('error', note('error'))
    side.once('close', () => {
      note('closed')()
      finish(other)
      if (--this.#open === 0) onClosed(this.#reason ?? '')
    })
  }
}

/** Ends a connection after what is to be written to it. */
function finish(socket: Socket): void {
  socket.setTimeout(LINGER, () => {
    socket.destroy()
  })
  socket.destroySoon()
}
