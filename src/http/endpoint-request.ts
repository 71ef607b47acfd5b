import type { AuthRequest } from '#contract'

import type { Authentication } from '../client-authentication/authentication.ts'
import type { RecentRevocations } from '../introspection/recent-revocations.ts'
import type { Log } from '../operations/log.ts'
import type { Metrics } from '../operations/metrics.ts'
import type { Snapshot } from '../snapshot.ts'

/** One request at an endpoint of our own: what it is judged by, and what the log will say of it. */
export interface EndpointRequest {
  readonly snapshot: Snapshot
  readonly log: Log
  readonly metrics: Metrics
  readonly revoked: RecentRevocations
  readonly requestId: string
  readonly report: Report
  /** The request as parsers see it. */
  authRequest(purpose: AuthRequest['purpose'], form: ReadonlyMap<string, string>): AuthRequest
}

/** The record of the decision, filled in as it is made. */
export interface Report {
  authentication?: Authentication
}
