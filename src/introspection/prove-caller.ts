import type { AuthRequest } from '#contract'

import type {
  Authentication,
  AuthenticationParts,
  Unauthenticated,
} from '../client-authentication/authentication.ts'
import { authenticateClient } from '../client-authentication/authenticate-client.ts'
import { collectCredential } from '../client-authentication/collect-credential.ts'
import type { Guess } from '../client-authentication/guess-brake.ts'

/** Who may ask about tokens: API resources, and clients about their own. Two registries, in which an id may mean two. */
export interface IntrospectionCallers {
  readonly resource: AuthenticationParts
  readonly client: AuthenticationParts
  /** Counts a wrong secret, once for both registries. @returns whether the refusal may be told */
  onWrongSecret(guess: Guess): Promise<boolean>
}

type Kind = 'resource' | 'client'

export interface ProvenCaller {
  readonly kind: Kind
  readonly authentication: Authentication
}

/**
 * Request → the proven caller. The registry that knows the claimed id is asked, a decoy where none
 * does; both when the caller does not say who it is.
 */
export async function proveCaller(
  request: AuthRequest,
  callers: IntrospectionCallers,
  now: Date,
): Promise<ProvenCaller> {
  let refused: { readonly kind: Kind; readonly authentication: Unauthenticated } | undefined
  for (const kind of kindsToAsk(request, callers)) {
    const outcome = await authenticateClient(request, callers[kind], now)
    const authentication = kind === 'client' ? refuseUnproven(outcome) : outcome
    if (authentication.ok) return { kind, authentication }
    if (!refused || weight(authentication) > weight(refused.authentication)) {
      refused = { kind, authentication }
    }
  }
  if (!refused) throw new Error('no registry was asked')
  const { guessed, claimedClientId = '' } = refused.authentication
  const source = request.callerAddress ?? ''
  if (!guessed || (await callers.onWrongSecret({ clientId: claimedClientId, source }))) {
    return refused
  }
  const refusal = { reason: 'guessing-crowded' }
  const crowded = { ...refused.authentication, code: 'temporarily_unavailable', refusal } as const
  return { ...refused, authentication: crowded }
}

function kindsToAsk(request: AuthRequest, callers: IntrospectionCallers): readonly Kind[] {
  const collection = collectCredential(callers.client.parsers, request)
  const credential = collection.kind === 'one' ? collection.collected.credential : undefined
  const ids = [credential?.claimedClientId, credential?.alternative?.claimedClientId]
  const named = ids.filter((id) => id !== undefined)
  if (named.length === 0) return ['resource', 'client']
  const kinds: readonly Kind[] = ['resource', 'client']
  const knowing = kinds.filter((kind) => named.some((id) => callers[kind].registry.find(id)))
  return knowing.length > 0 ? knowing : ['client']
}

const NOBODY = new Set([
  'client-unknown',
  'client-not-found-by-certificate',
  'client-not-found-by-subject',
  'no-credentials',
])

/** Of two refusals the log tells the one that there is: trouble of ours before a failed proof before nobody. */
function weight({ code, refusal }: Unauthenticated): number {
  if (code !== 'invalid_client') return 2
  return NOBODY.has(refusal.reason) ? 0 : 1
}

/** RFC 7662 §2.1: nobody may ask without a proof, also not a client that gets its tokens without one. */
function refuseUnproven(authentication: Authentication): Authentication {
  if (!authentication.ok || authentication.method !== 'none') return authentication
  const { clientId: claimedClientId } = authentication.client
  const refusal = { reason: 'no-credentials', hint: 'register a secret for this client' }
  return { ok: false, code: 'invalid_client', refusal, claimedClientId }
}
