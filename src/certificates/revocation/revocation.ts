import { setTimeout } from 'node:timers/promises'

import type { TrustVerdict } from '#contract'

import type { ParsedCertificate } from '../path/parse-certificate.ts'
import type { ParsedCrl } from '../path/parse-crl.ts'
import { judgeRevocation, knownCrls } from './judge-revocation.ts'
import type { KnownCrls, RevocationJudgement } from './judge-revocation.ts'
import { OnlineSources } from './online-sources.ts'
import type { CertificateSources, Source, SourceParts } from './online-sources.ts'
import type { RevocationRules } from './revocation-rules.ts'

export interface RevocationAnswer {
  readonly verdict: TrustVerdict
  /** Milliseconds since 1970: to be asked again then. */
  readonly until: number
}

/** Whether the certificates of proven paths still count. */
export interface Revocation {
  /** False: nothing is looked at, and any path will do. */
  readonly looks: boolean
  /** Grows when something became known that may change an answer. */
  readonly version: number
  /**
   * Answers from what is known; when that is nothing and it can be fetched, after `patience` milliseconds at most.
   * OCSP stapled by a client is not among it: node:tls has no way to ask for that.
   * @param path a path that was found valid, leaf first, anchor last
   */
  check(
    path: readonly ParsedCertificate[],
    patience: number,
  ): RevocationAnswer | Promise<RevocationAnswer>
  /** Takes other CRLs for those of the configured files. */
  replaceFiles(crls: readonly ParsedCrl[]): void
}

/** Looks at nothing. */
export const noRevocation: Revocation = {
  looks: false,
  version: 0,
  check: () => ({ verdict: { ok: true }, until: Infinity }),
  replaceFiles: () => undefined,
}

export function createRevocation(
  rules: RevocationRules,
  files: readonly ParsedCrl[],
  parts: SourceParts,
): Revocation {
  return rules.mode === 'off' ? noRevocation : new Sources(rules, files, parts)
}

/** Milliseconds for which an answer stands that the next moment may change. */
const SHORTLY = 1000

class Sources implements Revocation {
  readonly looks = true
  version = 0
  readonly #rules: RevocationRules
  readonly #clock: () => number
  readonly #ticks: () => number
  readonly #online: OnlineSources | undefined
  #files: readonly ParsedCrl[]
  #crls: KnownCrls | undefined

  constructor(rules: RevocationRules, files: readonly ParsedCrl[], parts: SourceParts) {
    this.#rules = rules
    this.#files = files
    this.#clock = parts.clock
    this.#ticks = parts.ticks
    this.#online = rules.fetch && new OnlineSources(rules.fetch, parts, () => this.#changed())
  }

  replaceFiles(crls: readonly ParsedCrl[]): void {
    this.#files = crls
    this.#changed()
  }

  check(
    path: readonly ParsedCertificate[],
    patience: number,
  ): RevocationAnswer | Promise<RevocationAnswer> {
    const subjects = this.#rules.mode === 'leaf' ? 1 : path.length - 1
    const sources = Array.from({ length: subjects }, (_, index) =>
      this.#online?.of(path.slice(index)),
    ).filter((one) => one !== undefined)
    const underWay = refreshed(sources.flatMap(inUse))
    const judgement = this.#judge(path, sources)
    if (judgement.status !== 'unknown' || sources.every((one) => one.first.length === 0)) {
      return this.#answer(judgement, sources)
    }
    return this.#wait(path, sources, underWay, patience)
  }

  async #wait(
    path: readonly ParsedCertificate[],
    sources: readonly CertificateSources[],
    underWay: readonly Promise<void>[],
    patience: number,
  ): Promise<RevocationAnswer> {
    const end = this.#ticks() + patience
    await settledWithin(underWay, patience)
    const judgement = this.#judge(path, sources)
    const second = sources.flatMap((one) => one.second)
    if (judgement.status !== 'unknown' || second.length === 0) {
      return this.#answer(judgement, sources)
    }
    await settledWithin(refreshed(second), end - this.#ticks())
    return this.#answer(this.#judge(path, sources), sources)
  }

  #judge(
    path: readonly ParsedCertificate[],
    sources: readonly CertificateSources[],
  ): RevocationJudgement {
    const answers = sources.flatMap(({ first }) =>
      first.flatMap(({ answer }) => answer?.value?.answer ?? []),
    )
    return judgeRevocation(path, this.#rules, this.#known(), answers, this.#clock())
  }

  #answer(
    { status, verdict }: RevocationJudgement,
    sources: readonly CertificateSources[],
  ): RevocationAnswer {
    const now = this.#clock()
    const all = sources.flatMap(({ first, second }) => [...first, ...second])
    if (status !== 'good') {
      const hoped = status === 'unknown' && !verdict.ok && all.length > 0
      return { verdict: hoped ? { ...verdict, ...whyNot(all) } : verdict, until: now + SHORTLY }
    }
    const ends = [
      ...this.#known().nextUpdates,
      ...all.flatMap(({ answer }) => answer?.value?.nextUpdate ?? []),
    ].filter((end) => end > now)
    const ticks = this.#ticks()
    const dues = sources
      .flatMap(inUse)
      .map(({ kept }) => now + (kept.due > ticks ? kept.due - ticks : SHORTLY))
    return { verdict, until: Math.min(...ends, ...dues) }
  }

  #known(): KnownCrls {
    return (this.#crls ??= knownCrls(
      [...this.#files, ...(this.#online?.crls ?? [])],
      this.#rules.grace,
    ))
  }

  #changed(): void {
    this.#crls = undefined
    this.version++
  }
}

/** What is to be kept fresh: what is asked first, and what had to be asked once because that failed. */
function inUse({ first, second }: CertificateSources): readonly Source[] {
  return [...first, ...second.filter(({ kept }) => kept.value !== undefined)]
}

/** Fetches what is due. @returns what is worth waiting for: nothing that failed before */
function refreshed(sources: readonly Source[]): Promise<void>[] {
  return sources.flatMap((source) => {
    const underWay = source.refresh()
    return underWay && source.kept.failure === undefined ? underWay : []
  })
}

async function settledWithin(all: readonly Promise<void>[], milliseconds: number): Promise<void> {
  if (all.length === 0 || milliseconds <= 0) return
  const late = new AbortController()
  const end = setTimeout(milliseconds, undefined, { signal: late.signal }).catch(() => undefined)
  await Promise.race([Promise.all(all), end])
  late.abort()
}

/** Nothing is wrong with the certificate as far as is known: it may be asked for again. */
function whyNot(sources: readonly Source[]) {
  const failure = sources.find(({ kept }) => kept.failure)?.kept.failure
  const hint = failure
    ? `a source of revocations fails: ${failure.reason}${failure.got === undefined ? '' : ` (${failure.got})`}`
    : 'it is being fetched'
  return { hint: hint.slice(0, 300), retryable: true } as const
}
