import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

/** One case of the X.509 corpora; their README says what the fields mean. */
export interface X509Case {
  readonly id: string
  readonly corpus: string
  readonly scope: 'path' | 'policy' | 'profile' | 'dos'
  readonly purpose: 'client' | 'server' | null
  readonly trusted: readonly string[]
  readonly intermediates: readonly string[]
  readonly leaf: string
  readonly crls: readonly string[]
  readonly ocsps: readonly string[]
  readonly time: string
  readonly revocation?: boolean
  readonly allowSha1?: boolean
  readonly maxDepth?: number
  readonly params?: {
    readonly initialPolicySet?: readonly string[]
    readonly initialExplicitPolicy?: boolean
    readonly initialPolicyMappingInhibit?: boolean
    readonly initialInhibitPolicy?: boolean
  }
  readonly expect: 'accept' | 'reject' | 'may'
}

/** Verdicts that are not what the corpus expects, or not what OpenSSL says, and why. */
interface Deviations {
  readonly files: readonly string[]
  readonly ours: Decision
  readonly ids: readonly string[]
  readonly reason: string
}

export type Decision = 'accept' | 'reject'

export const x509Files = [
  'limbo-client',
  'limbo-server',
  'pkits',
  'bettertls',
  'openssl-ocsp',
  'attack',
] as const

const project = path.resolve(import.meta.dirname, '../..')

/** The folder of the corpora, whether or not it is there. */
export const corporaFolder = path.resolve(
  project,
  process.env['VOUCHGATE_CORPORA'] ?? '../shared/corpora',
)

/** The corpora are an input of their own: without them their tests are skipped, except in CI. */
export const corporaState = existsSync(path.join(corporaFolder, 'x509'))
  ? 'present'
  : process.env['CI'] === 'true'
    ? 'required'
    : 'absent'

/** The cases of one file. */
export function readCases(file: string): X509Case[] {
  return readFileSync(path.join(corporaFolder, 'x509', `${file}.jsonl`), 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as X509Case)
}

/** What the reviewed list in `test/corpora/<name>` says of one corpus file: our verdict by case. */
export function readDeviations(name: string, file: string): Record<string, Decision> {
  const list = path.join(import.meta.dirname, name)
  const all = JSON.parse(readFileSync(list, 'utf8')) as readonly Deviations[]
  const rows = all.filter(({ files }) => files.includes(file))
  return Object.fromEntries(rows.flatMap(({ ids, ours }) => ids.map((id) => [id, ours])))
}
