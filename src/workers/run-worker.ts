import cluster from 'node:cluster'

import { serveAsWorker } from './serve-as-worker.ts'

/**
 * Runs this process as a worker, which node:cluster made of it: it does what the primary tells it, until that tells it to
 * stop or is gone. @returns the exit code; undefined: this is no worker
 */
export async function runWorker(): Promise<number | undefined> {
  const { worker } = cluster
  if (!worker) return undefined
  // All processes of a terminal or a service get these; the primary says what they mean.
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP'] as const) process.on(signal, () => undefined)
  const { promise: left, resolve: leave } = Promise.withResolvers<void>()
  const serving = serveAsWorker(
    {
      send(message) {
        // With a callback, for without one a primary that is just gone would be an exception.
        return process.connected && process.send?.(message, () => undefined) !== undefined
      },
      onMessage: (listener) => process.on('message', listener),
    },
    leave,
  )
  worker.on('disconnect', () => {
    // Else Node ends the process here and now, and with it the requests under way.
    worker.exitedAfterDisconnect = true
    void serving.abandoned()
  })
  await left
  if (process.connected) process.disconnect?.()
  return 0
}
