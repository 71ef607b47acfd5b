import { setTimeout as pause } from 'node:timers/promises'

/** Waits for what happens soon after an answer is out. @throws when it has not happened after two seconds */
export async function eventually<T>(look: () => T | undefined): Promise<T> {
  const deadline = Date.now() + 2000
  for (;;) {
    const found = look()
    if (found !== undefined) return found
    if (Date.now() > deadline) throw new Error(`it has not happened: ${look.toString()}`)
    await pause(5)
  }
}
