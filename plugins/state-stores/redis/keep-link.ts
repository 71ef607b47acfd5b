import type { Client } from './connect-client.ts'

export interface LinkOptions {
  /** Makes a client that is not connected yet. May throw. */
  readonly create: () => Client
  /** What is to be done on each new connection before it counts. */
  readonly prepare?: (client: Client) => Promise<void>
  /** Told when the link comes up, and when it goes down and why. */
  readonly onChange: (up: boolean, why: string) => void
  /** Milliseconds for connecting, greeting and preparing together. */
  readonly connectTimeout: number
  /** Milliseconds. */
  readonly commandTimeout: number
}

/** One connection that is made anew whenever it is lost. */
export interface Link {
  readonly up: boolean
  /** Rejects at once when the link is down, after the time limit when there is no answer. */
  run<T>(command: (client: Client) => Promise<T>): Promise<T>
  /** Resolves once the link is up. @throws after so many milliseconds, or at once when waiting will not help */
  waitUntilUp(milliseconds: number): Promise<void>
  close(): void
}

const PING_EVERY = 1000
/** So many commands in a row without an answer, and the connection is given up. */
const SILENT_COMMANDS = 3
const BACKOFF = { first: 50, most: 2000 }
/** Failures of a server that is still starting; a wrong password or certificate stays wrong. */
const PASSING =
  /^(ECONN|ENOTFOUND|EAI_AGAIN|ENOENT|ETIMEDOUT|EHOSTUNREACH|ENETUNREACH|EPIPE)| LOADING|no answer|timeout|closed/

/**
 * Keeps a connection. It is its own circuit breaker: while it is down every command fails at once, one attempt at a time
 * finds out whether the server is back, and a server that is there but silent is one that is gone.
 */
export function keepLink(options: LinkOptions): Link {
  const { create, prepare, onChange, connectTimeout, commandTimeout } = options
  let client: Client | undefined
  let candidate: Client | undefined
  let timer: NodeJS.Timeout | undefined
  let closed = false
  let attempts = 0
  let silent = 0
  let lastFailure = 'not connected yet'
  const waiting = new Set<{ resolve: () => void; reject: (why: Error) => void }>()

  async function connect(): Promise<void> {
    try {
      const opened = (candidate = create())
      opened.on('error', (error: Error) => {
        lose(opened, error)
      })
      await within(connectTimeout, open(opened))
      if (closed || !opened.isReady) throw new Error('the connection was closed')
      client = opened
      attempts = silent = 0
      onChange(true, '')
      for (const { resolve } of waiting) resolve()
      schedulePing(opened)
    } catch (error) {
      candidate?.destroy()
      again(error)
    } finally {
      candidate = undefined
    }
  }

  async function open(one: Client): Promise<void> {
    await one.connect()
    await prepare?.(one)
  }

  /** Jitter, so that the replicas do not all come back in the same moment. */
  function again(error: unknown): void {
    lastFailure = messageOf(error)
    if (closed) return
    if (!PASSING.test(`${codeOf(error)} ${lastFailure}`)) {
      for (const { reject } of waiting) reject(new Error(lastFailure))
    }
    const delay = Math.min(BACKOFF.most, BACKOFF.first * 2 ** Math.min(attempts++, 10))
    timer = setTimeout(() => void connect(), delay * (0.5 + Math.random() / 2))
  }

  function lose(one: Client, error: unknown): void {
    if (client !== one) return
    client = undefined
    clearTimeout(timer)
    one.destroy()
    if (!closed) onChange(false, messageOf(error))
    again(error)
  }

  // An idle connection says nothing when the other end has vanished.
  function schedulePing(one: Client): void {
    timer = setTimeout(() => {
      run((connected) => connected.ping())
        .catch(() => undefined)
        .finally(() => {
          if (client === one) schedulePing(one)
        })
    }, PING_EVERY).unref()
  }

  async function run<T>(command: (client: Client) => Promise<T>): Promise<T> {
    const one = client
    if (!one) throw new Error(`Redis is out of reach: ${closed ? 'closed' : lastFailure}`)
    try {
      const reply = await within(commandTimeout, command(one))
      silent = 0
      return reply
    } catch (error) {
      if (error instanceof SilenceError) {
        if (++silent >= SILENT_COMMANDS) lose(one, error)
      } else silent = 0
      // It was made a replica; the name may lead to the new primary.
      if (messageOf(error).startsWith('READONLY')) lose(one, error)
      throw error
    }
  }

  void connect()
  return {
    get up() {
      return client !== undefined
    },
    run,
    waitUntilUp(milliseconds) {
      if (client) return Promise.resolve()
      const { promise, resolve, reject } = Promise.withResolvers<void>()
      const limit = setTimeout(() => {
        reject(new Error(lastFailure))
      }, milliseconds)
      const waiter = { resolve, reject }
      waiting.add(waiter)
      return promise.finally(() => {
        clearTimeout(limit)
        waiting.delete(waiter)
      })
    },
    close() {
      closed = true
      clearTimeout(timer)
      for (const one of [client, candidate]) one?.destroy()
      client = undefined
    },
  }
}

class SilenceError extends Error {
  override readonly name = 'SilenceError'
}

function within<T>(milliseconds: number, promise: Promise<T>): Promise<T> {
  const { promise: limited, resolve, reject } = Promise.withResolvers<T>()
  const limit = setTimeout(() => {
    // After a pause of the whole process the answer may be there already, unread.
    setImmediate(() => {
      reject(new SilenceError(`no answer in ${milliseconds} ms`))
    })
  }, milliseconds)
  promise.then(resolve, reject).finally(() => {
    clearTimeout(limit)
  })
  return limited
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error ? String(error.code) : ''
}

function messageOf(error: unknown): string {
  if (!(error instanceof Error)) return 'unknown'
  // A name with several addresses fails with one error for each, and an empty message over them.
  const [first] = error instanceof AggregateError ? (error.errors as Error[]) : []
  return first?.message ?? (error.message || error.name)
}
