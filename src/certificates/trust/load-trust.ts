import type { Settings } from '../../config/settings-schema.ts'
import type { Fault } from '../../errors.ts'
import type { NamedFile } from '../load-listener-certificate.ts'
import type { AnchorSet } from '../path/anchor-set.ts'
import { readCrlFile } from '../revocation/read-crl-file.ts'
import type { CrlFile } from '../revocation/read-crl-file.ts'
import type { RevocationRules } from '../revocation/revocation-rules.ts'
import { loadAnchors } from './load-anchors.ts'
import { DEFAULT_SET } from './trust-set.ts'

/** A set of anchors with its CRLs, read and checked. */
export interface PreparedSet {
  readonly name: string
  readonly anchors: AnchorSet
  readonly rules: RevocationRules
  readonly crlFiles: readonly CrlFile[]
}

export interface TrustLoading {
  readonly sets: readonly PreparedSet[]
  /** Files of anchors. */
  readonly files: readonly string[]
  readonly faults: readonly Fault[]
}

type SetSettings = Settings['trust']['sets'][string]
type Locate = (path: readonly PropertyKey[]) => string

const OFF: NonNullable<SetSettings['revocation']> = {
  mode: 'off',
  policy: 'hard',
  grace: 0,
  crls: [],
}

/** The names of all sets, the one for whoever names none first. */
export function namesOfSets(trust: Settings['trust']): readonly string[] {
  return [DEFAULT_SET, ...Object.keys(trust.sets)]
}

/** Reads all anchors and CRLs that `trust` names. @param locate says where a setting stands */
export async function loadTrust(
  trust: Settings['trust'],
  locate: Locate,
  now: Date,
): Promise<TrustLoading> {
  const { sets, ...own } = trust
  const faults: Fault[] = []
  const load = (name: string, settings: SetSettings, at: readonly PropertyKey[]) =>
    loadSet(name, settings, at, locate, now, faults)
  const prepared = await Promise.all([
    load(DEFAULT_SET, own, ['trust']),
    ...Object.entries(sets).map(([name, set]) => load(name, set, ['trust', 'sets', name])),
  ])
  const files = [own, ...Object.values(sets)].flatMap(({ anchors }) => anchors)
  return { sets: prepared, files, faults }
}

async function loadSet(
  name: string,
  { anchors: anchorFiles, revocation }: SetSettings,
  path: readonly PropertyKey[],
  locate: Locate,
  now: Date,
  faults: Fault[],
): Promise<PreparedSet> {
  const named = (files: readonly string[], setting: readonly PropertyKey[]) =>
    files.map((file, index): NamedFile => ({ file, at: locate([...setting, index]) }))
  const anchorsAt = [...path, 'anchors']
  const loaded = loadAnchors(named(anchorFiles, anchorsAt), anchorsAt.join('.'), now)
  faults.push(...loaded.faults)
  const { crls, ...rules } = revocation ?? OFF
  const crlsAt = [...path, 'revocation', 'crls']
  const readings = await Promise.all(
    named(crls, crlsAt).map(async ({ file, at }) => {
      const fault = (what: string, severity: Fault['severity']) => {
        faults.push({ at, message: `${crlsAt.join('.')}: ${file} ${what}`, severity })
      }
      const reading = await readCrlFile(file)
      if (!reading.ok) {
        fault(reading.fault, 'error')
        return []
      }
      const { crlFile } = reading
      const late = crlFile.crls.some(({ nextUpdate = 0 }) => nextUpdate < now.getTime())
      if (late) fault('holds a CRL that is out of date', 'note')
      return crlFile
    }),
  )
  return { name, anchors: loaded.anchors, rules, crlFiles: readings.flat() }
}
