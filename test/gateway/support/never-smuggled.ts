import { setTimeout as sleep } from 'node:timers/promises'

import type { ExecutionContext } from 'ava'

import { front } from './front.ts'
import { rawClient } from './raw-client.ts'
import type { Message } from './read-messages.ts'
import { rawUpstream } from './raw-upstream.ts'

/** How long a connection is watched for more than was waited for, in milliseconds. */
const WATCHED = 200

/** What came of some bytes that a client sent. */
export interface Fate {
  /** The status of each answer, in order. */
  readonly statuses: readonly number[]
  readonly forwarded: readonly Message[]
  readonly refused: readonly string[]
  readonly closed: boolean
}

/**
 * Sends bytes through a gateway of their own and fails the test when they reached the upstream as
 * anything but clean requests, each answered and each with our word on who called. Requests to
 * `/admin` must never arrive. `expected`: what to wait for; without it everything that comes within
 * a while.
 */
export async function fateOf(
  t: ExecutionContext,
  bytes: Buffer,
  expected: { readonly answers?: number; readonly closed?: true } = {},
): Promise<Fate> {
  const upstream = await rawUpstream(t)
  const gateway = await front(t, upstream.port)
  const client = await rawClient(t, gateway.port, bytes)
  let closed = false
  const closing = client.closed().then(() => (closed = true))
  const statuses = (): number[] =>
    [...client.received().matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, code]) => Number(code))
  const answered = (count: number): Promise<unknown> =>
    Promise.race([closing, client.until(() => statuses().length >= count).catch(() => undefined)])

  if (expected.closed === true) await closing
  await answered(expected.answers ?? 0)
  await Promise.race([closing, sleep(WATCHED, undefined, { ref: false })])
  const forwarded = upstream.requests()
  await answered(forwarded.length)
  client.socket.destroy()

  const answers = statuses()
  t.true(
    forwarded.length <= answers.length,
    `${forwarded.length} requests, ${answers.length} answers`,
  )
  t.false(answers.some((status) => status === 500 || status === 503))
  for (const request of forwarded) {
    t.deepEqual(request.values('x-client-id'), ['proven'])
    t.is(request.values('host').length, 1)
    const names = request.headers.filter((_, i) => i % 2 === 0)
    t.is(names.filter((name) => /^x.client.id$/i.test(name)).length, 1)
    t.notRegex(request.target, /^\/admin/)
  }
  return { statuses: answers, forwarded, refused: gateway.refused, closed }
}
