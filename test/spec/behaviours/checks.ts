import type { ExecutionContext } from 'ava'
import { decodeJwt } from 'jose'

import type { Received } from '../../support/send.ts'

/** Shows one fact of the corpus to hold. Each starts a sidecar of its own: what a fact needs stands with it. */
export type Check = (t: ExecutionContext) => Promise<void> | void

/** Checks by the id of the fact. */
export type Checks = Readonly<Record<string, Check>>

/** @param clientId who must have been proven */
export function assertKnown(t: ExecutionContext, answer: Received, clientId: string): void {
  t.is(answer.status, 200, answer.text)
  t.is(decodeJwt(String(answer.json()['access_token']))['client_id'], clientId)
}

/** Refused in a way that OAuth has, not by accident. */
export function assertNotKnown(t: ExecutionContext, answer: Received): void {
  t.true([400, 401].includes(answer.status), `${answer.status} ${answer.text}`)
  t.true(['invalid_client', 'invalid_request'].includes(String(answer.json()['error'])))
}

export function assertInvalidRequest(t: ExecutionContext, answer: Received): void {
  t.is(answer.status, 400, answer.text)
  t.is(answer.json()['error'], 'invalid_request')
}
