import { checkRevocation } from '../path/check-revocation.ts'
import { createCrlSet } from '../path/crl-set.ts'
import { revocationLimits } from '../path/limits.ts'
import type { ParsedCertificate } from '../path/parse-certificate.ts'
import { parseOcsp } from '../path/parse-ocsp.ts'
import type { OcspAnswer } from '../path/parse-ocsp.ts'
import { fetchSigned } from './fetch-signed.ts'
import type { Fetched } from './kept.ts'
import type { Places } from './revocation-places.ts'
import type { FetchRules } from './revocation-rules.ts'

/** What a responder says of a certificate. */
export interface KnownAnswer {
  readonly answer: OcspAnswer
  readonly revoked: boolean
  /** Milliseconds since 1970. */
  readonly thisUpdate: number
  readonly nextUpdate: number
}

/** Asks for the status of the first certificate of a path; only a signed answer that knows it and is no older counts. */
export async function fetchOcsp(
  places: Places,
  request: Uint8Array,
  path: readonly ParsedCertificate[],
  { timeout }: FetchRules,
  at: number,
  before: KnownAnswer | undefined,
): Promise<Fetched<KnownAnswer>> {
  let outcome: Fetched<KnownAnswer> = { ok: false, reason: 'fetch-failed' }
  const body = { type: 'application/ocsp-request', bytes: request }
  for (const url of places) {
    const got = await fetchSigned({ url, body, timeout, maxBytes: revocationLimits.ocspBytes })
    outcome = got.ok ? accept(got.bytes, path, at, before) : got
    if (outcome.ok) return outcome
  }
  return outcome
}

function accept(
  der: Uint8Array,
  path: readonly ParsedCertificate[],
  at: number,
  before: KnownAnswer | undefined,
): Fetched<KnownAnswer> {
  const reading = parseOcsp(der)
  if (!reading.ok) return reading
  const { answer } = reading
  const verdict = checkRevocation({
    path,
    policy: { mode: 'leaf' },
    at: new Date(at),
    crls: createCrlSet([]),
    answers: [answer],
  })
  const revoked = !verdict.ok && verdict.reason === 'chain-revoked'
  if (!verdict.ok && !revoked) return { ...verdict, reason: 'ocsp-unknown' }
  const mine = answer.singles.filter(({ serial }) => serial === path[0]?.serial)
  const thisUpdate = Math.max(...mine.map((single) => single.thisUpdate))
  if (before && thisUpdate < before.thisUpdate) return { ok: false, reason: 'ocsp-older' }
  const nextUpdate = Math.min(...mine.map((single) => single.nextUpdate ?? at))
  return { ok: true, value: { answer, revoked, thisUpdate, nextUpdate }, nextUpdate }
}
