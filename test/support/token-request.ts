import type { ExecutionContext } from 'ava'

import type { Received, SendOptions } from './send.ts'
import type { LogLine, Running } from './start-sidecar.ts'

export const TOKEN = '/connect/token'
export const GRANT = { grant_type: 'client_credentials' }

/** A request for a token by client credentials, with what is said beside. */
export function tokenRequest({ form, ...more }: SendOptions = {}): SendOptions {
  return { path: TOKEN, form: { ...GRANT, ...form }, ...more }
}

/** The access token of an answer; fails the test when there is none. */
export function tokenOf(t: ExecutionContext, answer: Received): string {
  t.is(answer.status, 200, answer.text)
  const { access_token: token } = answer.json<{ access_token?: unknown }>()
  return t.is(typeof token, 'string') ? (token as string) : ''
}

/** What a refusal must look like from outside and from inside. */
export interface ExpectedRefusal {
  readonly status: number
  /** On the wire. */
  readonly error: string
  /** In the log. */
  readonly reason: string
  /** More of the log line, as `t.like` compares. */
  readonly line?: Partial<LogLine>
}

/** Asserts the code on the wire and the reason in the log. */
export function assertRefused(
  t: ExecutionContext,
  running: Running,
  answer: Received,
  { status, error, reason, line }: ExpectedRefusal,
): void {
  t.is(answer.status, status, answer.text)
  t.is(answer.json()['error'], error)
  t.like(running.refusalOf(answer), { status, reason, ...line })
}

export const INVALID_CLIENT = { status: 401, error: 'invalid_client' } as const
export const INVALID_REQUEST = { status: 400, error: 'invalid_request' } as const
