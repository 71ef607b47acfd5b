import type { ConnectionOptions } from 'node:tls'

import type { Dispatching } from './dispatching.ts'
import type { TargetAddress } from './target-address.ts'

/** One place where an upstream can be reached, and how it has been doing. Changed by the balancer only. */
export interface Target {
  readonly address: TargetAddress
  /** For `https:`: what `tls.connect` takes beside host and port. */
  readonly tls: ConnectionOptions | undefined
  readonly dispatching: Dispatching
  /** Requests and upgraded connections that it has now, those that wait for a connection among them. */
  underWay: number
  /** Of these the upgraded connections, which take no room from the others: they are counted and limited elsewhere. */
  upgraded: number
  /** Failures in a row that were its own fault. */
  failures: number
  /** How long it was put out the last time, in milliseconds. */
  lastOut: number
  /** When it came back, by the clock of the balancer. */
  backSince: number
  /** When it may be tried again, by the clock of the balancer; 0: it is in. */
  outUntil: number
  /** Out, and a request is finding out whether it is back. */
  probing: boolean
  /** The verdict of the health checks. */
  healthy: boolean
}

/** A target that is in, with nothing to do. */
export function newTarget(
  address: TargetAddress,
  tls: ConnectionOptions | undefined,
  dispatching: Dispatching,
): Target {
  return {
    address,
    tls,
    dispatching,
    underWay: 0,
    upgraded: 0,
    failures: 0,
    lastOut: 0,
    backSince: 0,
    outUntil: 0,
    probing: false,
    healthy: true,
  }
}
