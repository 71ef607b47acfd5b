import type { Consideration, Refusal } from '#contract'

import type { Unauthenticated } from '../client-authentication/authentication.ts'
import type { OAuthErrorCode } from '../errors.ts'

/** A request that was refused. */
export interface RefusedRequest {
  readonly requestId: string
  readonly remoteAddress: string | undefined
  readonly method: string
  readonly path: string
  readonly status: number
  /** The word that the caller saw, or that a problem answer stands for. */
  readonly error: OAuthErrorCode | 'bad_request' | 'bad_gateway' | 'gateway_timeout'
  readonly refusal: Refusal
  /** The proven client, where the refusal came after the proof. */
  readonly clientId?: string
  readonly authentication?: Unauthenticated
}

const MAX_TEXT = 300

/** Everything the operator may know of a refusal, as one log line's data. */
export function refusalLine(refused: RefusedRequest): Readonly<Record<string, unknown>> {
  const { authentication, refusal } = refused
  return {
    requestId: refused.requestId,
    remoteAddress: refused.remoteAddress,
    method: refused.method,
    path: cut(refused.path),
    status: refused.status,
    error: refused.error,
    ...(refused.clientId !== undefined && { client: cut(refused.clientId) }),
    ...(authentication?.claimedClientId !== undefined && {
      claimedClient: cut(authentication.claimedClientId),
    }),
    ...(authentication?.parser !== undefined && { parser: authentication.parser }),
    ...refusalDetails(refusal),
    ...(authentication?.considered?.length && {
      considered: authentication.considered.slice(0, 20).map(consideration),
    }),
    ...(authentication?.sightings && {
      parsers: Object.fromEntries(authentication.sightings.map(({ parser, saw }) => [parser, saw])),
    }),
  }
}

function consideration({ secret, ...refusal }: Consideration) {
  return {
    secret: cut(secret.description ?? 'no description'),
    type: secret.type,
    ...refusalDetails(refusal),
  }
}

/** A refusal, as data of a log line. */
export function refusalDetails({ reason, got, want, hint }: Refusal) {
  return {
    reason,
    ...(got !== undefined && { got: cut(got) }),
    ...(want !== undefined && { want: cut(want) }),
    ...(hint !== undefined && { hint: cut(hint) }),
  }
}

function cut(text: string): string {
  return text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text
}
