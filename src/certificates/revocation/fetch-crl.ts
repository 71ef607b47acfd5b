import { findCrlSigner } from '../path/crl-signer.ts'
import { createCrlSet } from '../path/crl-set.ts'
import type { ParsedCertificate } from '../path/parse-certificate.ts'
import { parseCrlInSlices } from '../path/parse-crl.ts'
import type { ParsedCrl } from '../path/parse-crl.ts'
import { fetchSigned } from './fetch-signed.ts'
import type { Fetched } from './kept.ts'
import type { Places } from './revocation-places.ts'
import type { FetchRules } from './revocation-rules.ts'

/**
 * Gets a CRL that is signed by a CA of the path, in its time and not older than the one before: others must not take
 * the place of a good one.
 */
export async function fetchCrl(
  places: Places,
  path: readonly ParsedCertificate[],
  { timeout, maxBytes }: FetchRules,
  at: number,
  before: ParsedCrl | undefined,
): Promise<Fetched<ParsedCrl>> {
  let outcome: Fetched<ParsedCrl> = { ok: false, reason: 'fetch-failed' }
  for (const url of places) {
    const got = await fetchSigned({ url, timeout, maxBytes })
    outcome = got.ok ? await accept(got.bytes, path, at, before) : got
    if (outcome.ok) return outcome
  }
  return outcome
}

async function accept(
  der: Uint8Array,
  path: readonly ParsedCertificate[],
  at: number,
  before: ParsedCrl | undefined,
): Promise<Fetched<ParsedCrl>> {
  const reading = await parseCrlInSlices(der)
  if (!reading.ok) return reading
  const { crl } = reading
  const { nextUpdate, thisUpdate, unusable } = crl
  if (unusable !== undefined) return { ok: false, reason: 'crl-unusable', got: unusable }
  if (nextUpdate === undefined || at > nextUpdate || at < thisUpdate) {
    return { ok: false, reason: 'crl-out-of-date' }
  }
  if (before && thisUpdate < before.thisUpdate) return { ok: false, reason: 'crl-older' }
  const sources = { at, crls: createCrlSet([]), answers: [], extras: [], allowSha1: false }
  if (!findCrlSigner(crl, path, sources)) return { ok: false, reason: 'crl-signer' }
  return { ok: true, value: crl, nextUpdate }
}
