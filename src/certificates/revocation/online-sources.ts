import { hash } from 'node:crypto'

import { LRUCache } from 'lru-cache'

import type { Refusal } from '#contract'

import type { ParsedCertificate } from '../path/parse-certificate.ts'
import type { ParsedCrl } from '../path/parse-crl.ts'
import { fetchCrl } from './fetch-crl.ts'
import { fetchOcsp } from './fetch-ocsp.ts'
import type { KnownAnswer } from './fetch-ocsp.ts'
import { keep } from './kept.ts'
import type { Fetched, Kept } from './kept.ts'
import { ocspRequest } from './ocsp-request.ts'
import { crlPlaces, ocspPlaces } from './revocation-places.ts'
import type { Places } from './revocation-places.ts'
import type { FetchRules } from './revocation-rules.ts'

/** A place that was asked and begins to fail, or answers again. */
export interface SourceEvent {
  readonly source: string
  /** Absent: it answers again. */
  readonly failure?: Refusal
}

export interface SourceParts {
  /** Milliseconds since 1970. */
  readonly clock: () => number
  /** Milliseconds of a clock that nobody sets. */
  readonly ticks: () => number
  /** From 0 to 1. */
  readonly random: () => number
  report(event: SourceEvent): void
}

/** One thing that can be fetched for a certificate. */
export interface Source {
  readonly kept: Kept<unknown>
  /** Set when that is the answer of a responder. */
  readonly answer?: Kept<KnownAnswer>
  /** As `Kept.refresh`. */
  refresh(): Promise<void> | undefined
}

/** What can be asked about one certificate: OCSP first, CRLs when that does not help or there is none. */
export interface CertificateSources {
  readonly first: readonly Source[]
  readonly second: readonly Source[]
}

const MAX_IN_FLIGHT = 32
const MAX_CRLS = 1000
const MAX_ANSWERS = 20_000

/** Everything that was fetched for one set of anchors, and where to fetch more. */
export class OnlineSources {
  readonly #rules: FetchRules
  readonly #parts: SourceParts
  readonly #changed: () => void
  readonly #slots = { free: MAX_IN_FLIGHT }
  readonly #failing = new Set<string>()
  readonly #crls = new LRUCache<string, Kept<ParsedCrl>>({ max: MAX_CRLS })
  readonly #answers = new LRUCache<string, Kept<KnownAnswer>>({ max: MAX_ANSWERS })

  /** @param changed called when something became known that may change an answer given before */
  constructor(rules: FetchRules, parts: SourceParts, changed: () => void) {
    this.#rules = rules
    this.#parts = parts
    this.#changed = changed
  }

  /** The CRLs at hand. */
  get crls(): readonly ParsedCrl[] {
    return [...this.#crls.values()].flatMap(({ value }) => value ?? [])
  }

  /** @param path of the certificate: itself, its issuer, up to the anchor */
  of(path: readonly ParsedCertificate[]): CertificateSources {
    const [certificate, issuer] = path
    if (certificate === undefined || issuer === undefined) return { first: [], second: [] }
    const lists = crlPlaces(certificate, this.#rules).map((places) => this.#crlAt(places, path))
    const responders = ocspPlaces(certificate, this.#rules)
    if (responders.length === 0) return { first: lists, second: [] }
    const request = ocspRequest(certificate, issuer)
    return { first: [this.#answerAt(responders, request, path)], second: lists }
  }

  #crlAt(places: Places, path: readonly ParsedCertificate[]): Source {
    const name = places.join(' ')
    const kept = this.#keptIn(this.#crls, name, name, (outcome) => outcome.ok)
    const fetch = (before: ParsedCrl | undefined) =>
      fetchCrl(places, path, this.#rules, this.#parts.clock(), before)
    return { kept, refresh: () => kept.refresh(fetch) }
  }

  #answerAt(places: Places, request: Uint8Array, path: readonly ParsedCertificate[]): Source {
    const name = places.join(' ')
    const key = `${hash('sha256', request)} ${name}`
    // One more good answer changes nothing that was said before; who waits for it looks again anyway.
    const kept = this.#keptIn(this.#answers, key, name, (outcome, before) => {
      return outcome.ok && outcome.value.revoked !== (before?.revoked ?? false)
    })
    const fetch = (before: KnownAnswer | undefined) =>
      fetchOcsp(places, request, path, this.#rules, this.#parts.clock(), before)
    return { kept, answer: kept, refresh: () => kept.refresh(fetch) }
  }

  #keptIn<T>(
    all: LRUCache<string, Kept<T>>,
    key: string,
    source: string,
    changes: (outcome: Fetched<T>, before: T | undefined) => boolean,
  ): Kept<T> {
    const known = all.get(key)
    if (known) return known
    const { clock, ticks, random } = this.#parts
    const kept = keep<T>({
      clock,
      ticks,
      random,
      maxAge: this.#rules.maxAge,
      slots: this.#slots,
      settled: (outcome, before) => {
        if (changes(outcome, before)) this.#changed()
        this.#report(source.slice(0, 300), outcome.ok ? undefined : outcome)
      },
    })
    all.set(key, kept)
    return kept
  }

  /** Once when it begins to fail, and once when it answers again. */
  #report(source: string, failure: Refusal | undefined): void {
    if (this.#failing.has(source) === (failure !== undefined)) return
    if (failure === undefined) this.#failing.delete(source)
    else if (this.#failing.size < MAX_CRLS) this.#failing.add(source)
    else return
    this.#parts.report({ source, ...(failure && { failure }) })
  }
}
