import { ConfigError } from '../errors.ts'
import type { Fault } from '../errors.ts'
import { RemoteError } from './dialogue.ts'

/** An error that a worker told of, as if it had happened here. */
export function localError(error: unknown): unknown {
  if (!(error instanceof RemoteError)) return error
  const { faults, message, code, port, address } = error.details
  if (Array.isArray(faults)) return new ConfigError(faults as readonly Fault[])
  return Object.assign(new Error(message, { cause: error }), { code, port, address })
}
