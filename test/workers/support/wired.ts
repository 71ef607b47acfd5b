import { dialogue } from '../../../src/workers/dialogue.ts'
import type { Dialogue, Services, Wire } from '../../../src/workers/dialogue.ts'

/** The two ends of a wire that carries JSON, as the channel between two processes does. */
export function wirePair(): readonly [Wire, Wire] {
  const listeners: [((message: unknown) => void)[], ((message: unknown) => void)[]] = [[], []]
  const end = (own: 0 | 1): Wire => ({
    send(message) {
      const text = JSON.stringify(message)
      setImmediate(() => {
        for (const listener of listeners[own === 0 ? 1 : 0]) listener(JSON.parse(text))
      })
      return true
    },
    onMessage: (listener) => listeners[own].push(listener),
  })
  return [end(0), end(1)]
}

const NOTHING = { nothing: () => undefined }

/** One who only asks, on this wire. */
export function askerOn<Theirs extends Services<Theirs>>(wire: Wire): Dialogue<Theirs> {
  return dialogue<Theirs, typeof NOTHING>(wire, NOTHING)
}

/** One who asks somebody that has these services. */
export function askerOf<Theirs extends Services<Theirs>>(theirs: Theirs): Dialogue<Theirs> {
  const [here, there] = wirePair()
  dialogue(there, theirs)
  return askerOn<Theirs>(here)
}
