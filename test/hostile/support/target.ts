import type { TestFn } from 'ava'

import { serve } from '../../commands/support/vouchgate.ts'
import type { Serving } from '../../commands/support/vouchgate.ts'
import { secretClient } from '../../support/clients.ts'
import { eventually } from '../../support/eventually.ts'
import { openRaw } from '../../support/raw-tls.ts'
import type { RawTls } from '../../support/raw-tls.ts'
import { basic, send } from '../../support/send.ts'
import type { Received, SendOptions } from '../../support/send.ts'
import type { Ending } from '../../support/recording-upstream.ts'
import type { StartOptions } from '../../support/start-sidecar.ts'
import { strictUpstream } from '../../support/strict-upstream.ts'
import type { StrictUpstream } from '../../support/strict-upstream.ts'

const SECRET = 'a generated secret'

/** What a caller who may call proves itself with. */
export const AUTHORIZATION = basic('batch', SECRET)

/** The program as it is run, in a process of its own, before an upstream that forgives nothing. */
export interface Target extends Omit<Serving, 'upstream'> {
  readonly upstream: StrictUpstream
  open(t: Ending, bytes?: string | Buffer, options?: Parameters<typeof openRaw>[4]): Promise<RawTls>
  send(options?: SendOptions): Promise<Received>
  /** The `reason` in the log of the refusal that was answered with this text; none when no id is in it. */
  reasonOf(answer: string): Promise<unknown>
  /** Fails unless the process lives and serves who asks as one should. */
  serves(): Promise<void>
  /** Makes sure of it again and again until this has come to its end. */
  servesUntil(end: Promise<unknown>): Promise<void>
}

export interface TargetOptions extends StartOptions {
  /** The bytes of an answer of the upstream's; nothing when it is to be silent. */
  readonly answerBytes?: Parameters<typeof strictUpstream>[1]
}

/** One for all tests of a file. */
export function sharedTarget(
  test: TestFn,
  options: TargetOptions | (() => Promise<TargetOptions>) = {},
): () => Target {
  let target: Target | undefined
  const endings: (() => unknown)[] = []
  test.before(async () => {
    const chosen = typeof options === 'function' ? await options() : options
    target = await startTarget({ teardown: (end) => endings.unshift(end) }, chosen)
  })
  test.after.always(async () => {
    for (const end of endings) await end()
  })
  return () => {
    if (target === undefined) throw new Error('it is not running yet')
    return target
  }
}

/** Starts the program: `/public/**` is open, every other path wants a proven caller. */
export async function startTarget(t: Ending, options: TargetOptions = {}): Promise<Target> {
  const upstream = await strictUpstream(t, options.answerBytes)
  const serving = await serve(t, {
    clients: [secretClient('batch', SECRET)],
    ...options,
    settings: {
      upstream: `http://127.0.0.1:${upstream.port}`,
      routes: [{ path: '/public/**', public: true }],
      ...options.settings,
      // the machine may be busy with other tests
      limits: { maxEventLoopDelay: '1m', ...(options.settings?.['limits'] as object | undefined) },
    },
  })
  const ca = serving.pki.rootCa.pem
  let said = ''
  serving.child.stderr?.on('data', (chunk) => (said += String(chunk)))
  const ask = (request?: SendOptions) => send(serving.port, ca, request)
  const serves = async (): Promise<void> => {
    if (serving.child.exitCode !== null) throw new Error(`the process has ended: ${said}`)
    const { status } = await ask({ path: '/healthy', headers: { authorization: AUTHORIZATION } })
    if (status !== 200) throw new Error(`a healthy request was answered ${status}`)
  }
  return {
    ...serving,
    upstream,
    open: (end, bytes, more) => openRaw(end, serving.port, ca, bytes, more),
    send: ask,
    async reasonOf(answer) {
      const id = /^x-request-id: (\S+)/im.exec(answer)?.[1]
      if (id === undefined) return undefined
      const line = await eventually(() =>
        serving.log.find(({ event, requestId }) => event === 'request.refused' && requestId === id),
      )
      return line['reason']
    },
    serves,
    async servesUntil(end) {
      const state = { over: false }
      const over = end.finally(() => (state.over = true))
      do await serves()
      while (!state.over)
      await over
    },
  }
}
