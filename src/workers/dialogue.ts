/** Questions that one side answers: name → what it does. Arguments and answers are plain JSON. */
export type Services<Names> = { readonly [Name in keyof Names]: (...args: never[]) => unknown }

/** Where messages come from and go to: a worker seen from the primary, or the primary seen from a worker. */
export interface Wire {
  /** @returns false when nobody is there any more */
  send(message: Message): boolean
  onMessage(listener: (message: unknown) => void): void
}

/** Asks the other side of a wire, and answers what it asks. */
export interface Dialogue<Theirs extends Services<Theirs>> {
  /**
   * Asks. Rejects when the other side does, when it takes longer than so many milliseconds, when too much is asked
   * at once already, or when it is gone.
   */
  ask<Name extends keyof Theirs & string>(
    patience: number,
    what: Name,
    ...args: Parameters<Theirs[Name]>
  ): Promise<Awaited<ReturnType<Theirs[Name]>>>
  /** Says, and waits for nothing. */
  tell<Name extends keyof Theirs & string>(what: Name, ...args: Parameters<Theirs[Name]>): void
  /** The other side is gone: whoever waits, waits no more, and nobody is asked any more. */
  end(why: string): void
}

export type Message =
  | { readonly ask: number; readonly what: string; readonly args: readonly unknown[] }
  | { readonly tell: string; readonly args: readonly unknown[] }
  | { readonly answer: number; readonly value?: unknown }
  | { readonly answer: number; readonly failure: Failure }

/** What is told of an error: a ConfigError keeps its faults, an error of the system what it was about. */
export interface Failure {
  readonly message: string
  readonly [detail: string]: unknown
}

interface Waiting {
  readonly resolve: (value: never) => void
  readonly reject: (error: Error) => void
  readonly timer: NodeJS.Timeout
}

/** The other side could not do it. What is known besides its message stands in `details`. */
export class RemoteError extends Error {
  override readonly name = 'RemoteError'
  readonly details: Failure

  constructor(details: Failure) {
    super(details.message)
    this.details = details
  }
}

/** The other side is there no more. */
export class EndedError extends Error {
  override readonly name = 'EndedError'
}

/** Questions without an answer, at one time. */
const MOST = 10_000

/** @param ours what the other side may ask; nothing else is looked at */
export function dialogue<Theirs extends Services<Theirs>, Ours extends Services<Ours>>(
  wire: Wire,
  ours: Ours,
): Dialogue<Theirs> {
  const waiting = new Map<number, Waiting>()
  const known = new Map<string, (...args: never[]) => unknown>(Object.entries(ours))
  let asked = 0
  let ended: string | undefined

  const settle = (id: number): Waiting | undefined => {
    const one = waiting.get(id)
    clearTimeout(one?.timer)
    waiting.delete(id)
    return one
  }
  const reply = async (what: string, args: readonly unknown[]) => {
    const service = known.get(what)
    if (!service) throw new Error(`nobody here knows "${what}"`)
    return service(...(args as never[]))
  }
  wire.onMessage((message) => {
    if (!isMessage(message)) return
    if ('tell' in message) {
      void reply(message.tell, message.args).catch(() => undefined)
    } else if ('ask' in message) {
      const { ask: answer, what, args } = message
      reply(what, args).then(
        (value) => wire.send({ answer, value }),
        (error: unknown) => wire.send({ answer, failure: failureOf(error) }),
      )
    } else {
      const one = settle(message.answer)
      if ('failure' in message) one?.reject(new RemoteError(message.failure))
      else one?.resolve(message.value as never)
    }
  })

  return {
    ask(patience, what, ...args) {
      const { promise, resolve, reject } = Promise.withResolvers<never>()
      const id = asked++
      const timer = setTimeout(() => {
        settle(id)?.reject(new Error(`no answer in ${patience} ms`))
      }, patience)
      waiting.set(id, { resolve, reject, timer })
      if (ended !== undefined) settle(id)?.reject(new EndedError(ended))
      else if (waiting.size > MOST) settle(id)?.reject(new Error('too much is asked at once'))
      else if (!wire.send({ ask: id, what, args })) {
        settle(id)?.reject(new EndedError('nobody is there'))
      }
      return promise
    },
    tell(what, ...args) {
      if (ended === undefined) wire.send({ tell: what, args })
    },
    end(why) {
      ended = why
      for (const id of waiting.keys()) settle(id)?.reject(new EndedError(why))
    },
  }
}

/** Other messages come on the same channel: those of node:cluster, or of a plugin. */
function isMessage(message: unknown): message is Message {
  return (
    typeof message === 'object' &&
    message !== null &&
    ('ask' in message || 'tell' in message || 'answer' in message)
  )
}

function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { message: 'unknown' }
  const { faults, code, port, address } = error as Error & Readonly<Record<string, unknown>>
  return { message: error.message, name: error.name, faults, code, port, address }
}
