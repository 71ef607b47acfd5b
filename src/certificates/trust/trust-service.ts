import type { CertificateTrust } from '#contract'

import { createPathWorker } from '../path/validate-path-in-worker.ts'
import type { SourceEvent } from '../revocation/online-sources.ts'
import { fingerprintOf, readCrlFile } from '../revocation/read-crl-file.ts'
import type { CrlFile } from '../revocation/read-crl-file.ts'
import { createRevocation } from '../revocation/revocation.ts'
import { certificateTrust } from './certificate-trust.ts'
import { createChainMemory } from './chain-memory.ts'
import type { PreparedSet } from './load-trust.ts'
import type { TrustSet } from './trust-set.ts'

/** What outlives a reload: the thread, proven paths, what was fetched. None of it is trust. */
export interface TrustService {
  /** The trust of one snapshot. A set that is as it was in the one before keeps what is known of it. */
  use(sets: readonly PreparedSet[]): CertificateTrust
  /** Reads changed CRL files now; what cannot be read leaves the one before in place. */
  refreshFiles(): Promise<void>
  close(): Promise<void>
}

export interface TrustServiceOptions {
  /** Milliseconds after which a caller waits no longer, for the thread or for a source of revocations. */
  readonly patience: number
  /** Milliseconds between two looks at the CRL files; absent: only a reload reads them. */
  readonly pollFiles?: number
  report(event: SourceEvent): void
}

/** A set in use, and what it was made of. */
interface UsedSet extends TrustSet {
  readonly key: string
  files: readonly CrlFile[]
}

export function createTrustService(options: TrustServiceOptions): TrustService {
  const { pollFiles, patience, report } = options
  const worker = createPathWorker({ waitMilliseconds: patience })
  const memory = createChainMemory()
  const clocks = { clock: Date.now, ticks: () => performance.now() }
  const parts = { ...clocks, random: Math.random, report }
  const failing = new Set<string>()
  let used: ReadonlyMap<string, UsedSet> = new Map()

  const take = (prepared: PreparedSet): UsedSet => {
    const { name, anchors, rules, crlFiles } = prepared
    const key = JSON.stringify([anchors.id, rules])
    const before = used.get(name)
    const crls = crlFiles.flatMap((one) => one.crls)
    if (before?.key === key) {
      before.files = crlFiles
      before.revocation.replaceFiles(crls)
      return before
    }
    const revocation = createRevocation(rules, crls, parts)
    return { key, anchors, revocation, files: crlFiles }
  }

  const refreshFiles = async () => {
    for (const set of used.values()) {
      const files = await Promise.all(set.files.map((file) => newer(file, failing, report)))
      if (files.every((file, index) => file === set.files[index])) continue
      set.files = files
      set.revocation.replaceFiles(files.flatMap(({ crls }) => crls))
    }
  }
  let refreshing = Promise.resolve()
  const timer =
    pollFiles === undefined
      ? undefined
      : setInterval(() => {
          refreshing = refreshing.then(refreshFiles)
        }, pollFiles).unref()

  return {
    use(sets) {
      used = new Map(sets.map((prepared) => [prepared.name, take(prepared)]))
      return certificateTrust({ ...clocks, sets: used, worker, memory, patience })
    },
    refreshFiles,
    async close() {
      clearInterval(timer)
      await refreshing
      await worker.close()
    },
  }
}

/** The file as it is now; as it was, when it has not changed or cannot be read. */
async function newer(
  before: CrlFile,
  failing: Set<string>,
  report: TrustServiceOptions['report'],
): Promise<CrlFile> {
  const { file, fingerprint } = before
  const now = await fingerprintOf(file).catch(() => 'gone')
  if (now === fingerprint && !failing.has(file)) return before
  const reading = await readCrlFile(file)
  if (reading.ok) {
    if (failing.delete(file)) report({ source: file })
    return reading.crlFile
  }
  if (!failing.has(file)) {
    report({ source: file, failure: { reason: 'crl-file', got: reading.fault } })
  }
  failing.add(file)
  return before
}
