import type { AuthRequest, Credential } from '#contract'

import type { Authentication, AuthenticationParts, Unauthenticated } from './authentication.ts'
import { checkSecrets } from './check-secrets.ts'
import type { Check } from './check-secrets.ts'
import { collectCredential } from './collect-credential.ts'
import type { Collected } from './collect-credential.ts'
import { decoyClient } from './decoy-client.ts'

/**
 * Request → the proven client, or a refusal that says the caller nothing and the operator everything.
 * The refusal of a guessed secret may be kept back for a while.
 */
export async function authenticateClient(
  request: AuthRequest,
  parts: AuthenticationParts,
  now: Date,
): Promise<Authentication> {
  const authentication = await authenticate(request, parts, now)
  if (authentication.ok || !authentication.guessed) return authentication
  const { claimedClientId: clientId = '' } = authentication
  if (await isKnownByCertificate(clientId, request, parts, now)) return authentication
  const mayTell = await parts.onWrongSecret({ clientId, source: request.callerAddress ?? '' })
  if (mayTell) return authentication
  const refusal = { reason: 'guessing-crowded' }
  return { ...authentication, code: 'temporarily_unavailable', refusal }
}

/** Whether the connection proves the client that a wrong secret was sent for: then nobody is guessing. */
async function isKnownByCertificate(
  clientId: string,
  request: AuthRequest,
  parts: AuthenticationParts,
  now: Date,
): Promise<boolean> {
  if (!request.peer) return false
  const ambient = parts.parsers.filter(({ part }) => part.ambient)
  const bare = { ...request, headers: {}, form: new Map<string, string>() }
  const collection = collectCredential(ambient, bare)
  if (collection.kind !== 'one') return false
  const proven = await judgeReadings(collection.collected, parts, now)
  return proven.ok && proven.client.clientId === clientId
}

async function authenticate(
  request: AuthRequest,
  parts: AuthenticationParts,
  now: Date,
): Promise<Authentication> {
  const collection = collectCredential(parts.parsers, request)
  if (collection.kind === 'refused') return { ok: false, ...collection }
  if (collection.kind === 'none') {
    const claimed = request.form.get('client_id')
    const nothing: Authentication = {
      ok: false,
      code: 'invalid_client',
      refusal: { reason: 'no-credentials' },
      sightings: collection.sightings,
      ...(claimed !== undefined && { claimedClientId: claimed }),
    }
    return withoutSecret(request, parts) ?? nothing
  }
  const { collected } = collection
  const outcome = await judgeReadings(collected, parts, now)
  if (outcome.ok || !collected.parser.part.ambient) return outcome
  // Nobody may have meant it as a proof.
  return withoutSecret(request, parts) ?? outcome
}

async function judgeReadings(
  collected: Collected,
  parts: AuthenticationParts,
  now: Date,
): Promise<Authentication> {
  const { alternative } = collected.credential
  const first = await judge(collected, collected.credential, parts, now)
  if (!alternative) return first
  // The other reading is checked even when this one fitted: the time taken tells nothing of the client's setting.
  const second = await judge(collected, alternative, parts, now)
  if (first.ok || second.ok) return first.ok ? first : second
  // The reading that the secret fitted says what is wrong.
  return second.refusal.reason === OTHER_READING ? second : first
}

/** One reading of a credential → whether it proves the client that it claims. */
async function judge(
  { parser }: Collected,
  credential: Credential,
  parts: AuthenticationParts,
  now: Date,
): Promise<Authentication> {
  const { client: found, claimed } = resolve(credential, parts)
  const client = found === 'ambiguous' ? undefined : found
  const check = await checkSecrets(credential, client ?? decoyClient, parts, now)
  const refused = (refusal: Unauthenticated['refusal']): Authentication => ({
    ok: false,
    code: (!check.ok && check.trouble) || 'invalid_client',
    refusal,
    parser: parser.id,
    ...(credential.kind === 'shared_secret' && { guessed: true }),
    ...(claimed !== undefined && { claimedClientId: claimed }),
    ...(!check.ok && client && { considered: check.considered }),
  })
  if (found === 'ambiguous') return refused({ reason: 'client-ambiguous', hint: AMBIGUOUS })
  if (!client) return refused(unknown(check, credential))
  if (!client.enabled) return refused({ reason: 'client-disabled' })
  if (!check.ok) return refused(check.refusal)
  const wanted = client.basicDecoding
  if (credential.reading && wanted !== 'either' && wanted !== credential.reading) {
    const hint = `the secret fits when the header is read "${credential.reading}"; set basicDecoding: either`
    return refused({ reason: OTHER_READING, got: credential.reading, want: wanted, hint })
  }
  const method = check.method ?? parser.part.method
  const allowed = client.allowedAuthenticationMethods
  if (allowed && !allowed.includes(method)) {
    return refused({ reason: 'method-not-allowed', got: method, want: allowed.join(' or ') })
  }
  return {
    ok: true,
    client,
    method,
    ...(check.confirmation && { confirmation: check.confirmation }),
    ...(credential.kind === 'certificate' && { peer: credential.peer }),
  }
}

const OTHER_READING = 'basic-decoding'
const AMBIGUOUS = 'several clients registered this certificate, name or subject; send client_id'

function unknown(check: Check, credential: Credential): Unauthenticated['refusal'] {
  const { claimedClientId: claimed, lookupKeys } = credential
  // A broken validator is broken for everybody; that must not hide behind an unknown name.
  if (!check.ok && check.trouble) return check.refusal
  if (claimed !== undefined) return { reason: 'client-unknown', got: claimed }
  if (!lookupKeys?.length) return { reason: 'client-not-named' }
  const certified = credential.kind === 'certificate'
  return { reason: certified ? 'client-not-found-by-certificate' : 'client-not-found-by-subject' }
}

function resolve(credential: Credential, parts: AuthenticationParts) {
  const claimed = credential.claimedClientId
  if (claimed !== undefined) return { claimed, client: parts.registry.find(claimed) }
  const client = parts.registry.findByKeys(credential.lookupKeys ?? [])
  return { claimed: client === 'ambiguous' ? undefined : client?.clientId, client }
}

/** A client that is registered as needing no secret and named itself at one of our endpoints. */
function withoutSecret(
  request: AuthRequest,
  parts: AuthenticationParts,
): Authentication | undefined {
  if (request.purpose === 'api') return undefined
  const client = parts.registry.find(request.form.get('client_id') ?? '')
  if (!client?.enabled || client.requireClientSecret) return undefined
  const allowed = client.allowedAuthenticationMethods?.includes('none') ?? true
  return allowed ? { ok: true, client, method: 'none' } : undefined
}
