import type {
  CertificateTrust,
  Client,
  Confirmation,
  Consideration,
  PeerCertificate,
  Refusal,
  ReplayGuard,
  Validator,
} from '#contract'

import type { OAuthErrorCode } from '../errors.ts'
import type { ReadyPlugin } from '../plugin-host/set-up.ts'
import type { Registry } from '../registry/registry.ts'
import type { Sighting } from './collect-credential.ts'
import type { Guess } from './guess-brake.ts'

/** A proven client, or why there is none. */
export type Authentication =
  | {
      readonly ok: true
      readonly client: Client
      /** The IANA name of the method, `none` for a client that needs no secret. */
      readonly method: string
      readonly confirmation?: Confirmation
      readonly peer?: PeerCertificate
    }
  | Unauthenticated

export interface Unauthenticated {
  readonly ok: false
  readonly code: OAuthErrorCode
  readonly refusal: Refusal
  /** Who the caller said it was. Untrusted. */
  readonly claimedClientId?: string
  readonly parser?: string
  /** A secret was guessed, or might have been. */
  readonly guessed?: true
  /** What each parser saw, when no credential came of it. */
  readonly sightings?: readonly Sighting[]
  readonly considered?: readonly Consideration[]
}

/** What authenticating a client needs of the snapshot. */
export interface AuthenticationParts {
  readonly parsers: readonly ReadyPlugin<'parsers'>[]
  readonly validators: readonly ReadyPlugin<'validators'>[]
  readonly registry: Registry
  readonly audiences: readonly string[]
  readonly trust: CertificateTrust
  /** The replay guard of one client: what one client used up does not burn another's. */
  replayGuardOf(clientId: string): ReplayGuard
  /** Counts a wrong secret. @returns, when its time has come, whether the refusal may be told */
  onWrongSecret(guess: Guess): Promise<boolean>
  /** Milliseconds that one call of a plugin may take. */
  readonly timeLimit: number
}

/** The validators that check what a parser produced. */
export function validatorsFor(
  validators: readonly ReadyPlugin<'validators'>[],
  kind: Validator['accepts'],
): readonly ReadyPlugin<'validators'>[] {
  return validators.filter((one) => one.part.accepts === kind)
}
