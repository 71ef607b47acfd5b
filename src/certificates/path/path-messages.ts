import type { Refusal } from '#contract'
import type { Purpose } from './check-certificate.ts'
import type { PolicyInputs } from './check-policies.ts'
import type { PathLimits } from './limits.ts'

/** What the thread that validates is asked. */
export interface PathRequest {
  readonly leaf: Uint8Array
  readonly intermediates: readonly Uint8Array[]
  readonly anchorsId: string
  /** DER, when the thread has not seen this set yet. */
  readonly anchors?: readonly Uint8Array[]
  /** Forget the sets seen so far. */
  readonly forget: boolean
  readonly at: Date
  readonly purpose: Purpose
  readonly requireUsage?: boolean
  readonly allowSha1?: boolean
  readonly policy?: PolicyInputs
  readonly maxDepth?: number
  readonly limits?: Partial<PathLimits>
}

/** What it answers; the first message of all is `ready`. */
export type PathReply =
  | { readonly ready: true }
  /** DER, leaf first. */
  | { readonly ok: true; readonly path: readonly Uint8Array[] }
  | (Refusal & { readonly ok: false })
