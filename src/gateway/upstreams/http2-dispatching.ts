import type { ConnectionOptions } from 'node:tls'

import type { Dispatching, DispatchHandler, DispatchLine } from './dispatching.ts'
import type { DispatchLimits } from './http1-dispatching.ts'
import { Http2Failure } from './http2-failure.ts'
import { Http2Session, STREAMS } from './http2-session.ts'
import type { TargetAddress } from './target-address.ts'

interface Waiting {
  readonly line: DispatchLine
  readonly handler: DispatchHandler
}

/** Requests to one target over HTTP/2, many on each connection: cleartext by prior knowledge, or by ALPN. */
export function http2Dispatching(
  address: TargetAddress,
  tls: ConnectionOptions | undefined,
  limits: DispatchLimits,
): Dispatching {
  const sessions = new Set<Http2Session>()
  /** Those that take no more, and have not ended. */
  const leaving = new Set<Http2Session>()
  let waiting: Waiting[] = []
  let closing = false
  let onEmpty: () => void = () => undefined

  const free = (): Http2Session | undefined => {
    for (const session of sessions) if (session.hasRoom) return session
    return undefined
  }
  const drain = (): void => {
    let session: Http2Session | undefined
    while (waiting.length > 0 && (session = free())) {
      const next = waiting.shift()
      if (next) session.send(next.line, next.handler)
    }
    if (waiting.length === 0) onEmpty()
  }
  const open = (): void => {
    const connecting = [...sessions].filter(({ isConnecting }) => isConnecting).length
    if (sessions.size >= limits.connections || waiting.length <= connecting * STREAMS) return
    sessions.add(
      new Http2Session(address, tls, limits, {
        onRoom: drain,
        onGone(gone, error) {
          sessions.delete(gone)
          leaving.add(gone)
          void gone.closed().then(() => leaving.delete(gone))
          if (error === undefined) open()
          // while others are there they serve what waits; to knock again at once would never end
          else if (sessions.size === 0) failAll(error)
        },
      }),
    )
  }
  const failAll = (error: Error): void => {
    const failed = waiting
    waiting = []
    for (const { handler } of failed) handler.onResponseError(undefined, error)
    onEmpty()
  }

  return {
    dispatch(line, handler) {
      if (closing) {
        handler.onResponseError(undefined, new Http2Failure('UND_ERR_CLOSED'))
        return
      }
      const session = waiting.length === 0 ? free() : undefined
      if (session) {
        session.send(line, handler)
        return
      }
      waiting.push({ line, handler })
      open()
    },
    async close() {
      closing = true
      if (waiting.length > 0) {
        await new Promise<void>((resolve) => {
          onEmpty = resolve
        })
      }
      for (const session of sessions) session.close()
      await Promise.all([...leaving].map((session) => session.closed()))
    },
    async destroy() {
      closing = true
      const error = new Http2Failure('UND_ERR_DESTROYED')
      failAll(error)
      for (const session of [...sessions, ...leaving]) session.destroy(error)
      await Promise.all([...leaving].map((session) => session.closed()))
    },
  }
}
