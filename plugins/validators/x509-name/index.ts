import type {
  Attempt,
  Consideration,
  PeerCertificate,
  Refusal,
  Secret,
  TrustVerdict,
  Validator,
  ValidatorPlugin,
  Verdict,
} from '#contract'

import { NAME_TYPES, readSecret } from './read-secret.ts'
import type { RegisteredName, SecretReading } from './read-secret.ts'

const DECOY: Secret = { type: 'X509Name', value: 'CN=nobody', properties: {} }

/**
 * Certificates registered by a name: the whole subject, subject and issuer, or a subject alternative name. They count
 * only with a trusted path behind them, to the anchors that the secret names (RFC 8705 §2.1).
 */
export default {
  contract: 1,
  setup(_, host): Validator<'certificate'> {
    const known = new WeakMap<Secret, SecretReading>()
    const read = (secret: Secret): SecretReading => {
      const before = known.get(secret)
      if (before) return before
      const reading = readSecret(secret, host)
      known.set(secret, reading)
      return reading
    }
    return {
      accepts: 'certificate',
      secretTypes: Object.keys(NAME_TYPES),
      secretProperties: ['anchors', 'issuer'],
      decoys: [DECOY],
      inspect(secret) {
        const reading = read(secret)
        if (reading.ok) return { lookupKeys: [reading.key] }
        const { fault, faultIn } = reading
        return { fault, ...(faultIn !== undefined && { faultIn }) }
      },
      async validate(attempt: Attempt<'certificate'>): Promise<Verdict> {
        const { secrets, now } = attempt
        const { peer } = attempt.credential
        const registered = secrets.flatMap((secret): Registered[] => {
          const reading = read(secret)
          return reading.ok ? [{ ...reading, secret }] : []
        })
        const fitting = registered.filter((one) => isNamed(peer, one))
        const { trusted, by } = await firstTrusted(attempt, fitting, registered[0])
        // Said whether or not a name fits: the answer must not tell which names are registered.
        if (!trusted.ok && trusted.retryable) return trusted
        if (!by) return refused(otherName(peer, registered[0], trusted), attempt)
        const refusal = outsideValidity(peer, now) ?? untrusted(trusted)
        if (refusal) return refused(refusal, attempt, fitting)
        const confirmation = { 'x5t#S256': peer.x5tS256 }
        return { ok: true, secret: by.secret, confirmation, method: 'tls_client_auth' }
      },
    }
  },
} satisfies ValidatorPlugin

interface Registered extends RegisteredName {
  readonly secret: Secret
}

function isNamed(peer: PeerCertificate, { key, secret }: Registered): boolean {
  return NAME_TYPES[secret.type]?.keysOf(peer).includes(key) ?? false
}

/**
 * The first fitting secret whose anchors vouch for the certificate, or what the last one's say.
 * @param other whose anchors are asked when none fits, so that the time does not tell
 */
async function firstTrusted(
  { credential: { peer }, trust }: Attempt<'certificate'>,
  fitting: readonly Registered[],
  other: Registered | undefined,
): Promise<{ readonly trusted: TrustVerdict; readonly by?: Registered }> {
  const ask = (one: Registered | undefined) =>
    trust.verify(peer, one?.anchors === undefined ? {} : { anchors: one.anchors })
  let [by] = fitting
  let trusted = await ask(by ?? other)
  for (const next of fitting.slice(1)) {
    if (trusted.ok) break
    if (next.anchors === by?.anchors) continue
    by = next
    trusted = await ask(next)
  }
  return { trusted, ...(by && { by }) }
}

function refused(
  refusal: Refusal,
  { credential, secrets }: Attempt<'certificate'>,
  fitting: readonly Registered[] = [],
): Verdict {
  const fits = (secret: Secret) => fitting.some((one) => one.secret === secret)
  const considered = secrets.map((secret): Consideration => {
    if (fits(secret)) return { secret, ...refusal }
    return { secret, ...otherName(credential.peer, { secret }), want: secret.value.slice(0, 200) }
  })
  return { ok: false, ...refusal, considered }
}

function otherName(
  peer: PeerCertificate,
  registered: { readonly secret: Secret } | undefined,
  trusted?: TrustVerdict,
): Refusal {
  const type = NAME_TYPES[registered?.secret.type ?? DECOY.type]
  return {
    reason: type?.reason ?? 'cert-subject-mismatch',
    got: type?.show(peer).slice(0, 200) ?? '',
    ...(trusted?.ok === false && { hint: `nor is the certificate trusted: ${trusted.reason}` }),
  }
}

function untrusted(trusted: TrustVerdict): Refusal | undefined {
  if (trusted.ok) return undefined
  const { ok: _, ...refusal } = trusted
  return refusal
}

/** A date that is none is outside, whatever it is compared with. */
function outsideValidity({ notBefore, notAfter }: PeerCertificate, now: Date): Refusal | undefined {
  const want = `a certificate valid on ${now.toUTCString()}`
  if (!(now <= notAfter)) return { reason: 'cert-expired', got: notAfter.toUTCString(), want }
  if (now >= notBefore) return undefined
  return { reason: 'cert-not-yet-valid', got: notBefore.toUTCString(), want }
}
