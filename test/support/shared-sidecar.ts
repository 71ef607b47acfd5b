import type { TestFn } from 'ava'

import { startSidecar } from './start-sidecar.ts'
import type { Running, StartOptions } from './start-sidecar.ts'

/**
 * One sidecar for all tests of a file, started before the first and stopped after the last.
 * The tests run at the same time: they find their own log line by the answer (`refusalOf`).
 */
export function sharedSidecar(
  test: TestFn,
  options: StartOptions | (() => Promise<StartOptions>),
): () => Running {
  let running: Running | undefined
  const endings: (() => unknown)[] = []
  test.before(async () => {
    const chosen = typeof options === 'function' ? await options() : options
    running = await startSidecar({ teardown: (end) => endings.unshift(end) }, chosen)
  })
  test.after.always(async () => {
    for (const end of endings) await end()
  })
  return () => {
    if (running === undefined) throw new Error('the sidecar is not running yet')
    return running
  }
}
