import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { availableParallelism, tmpdir } from 'node:os'
import path from 'node:path'
import test from 'ava'
import { validatePath } from '../../src/certificates/path/validate-path.ts'
import { judgeRevocation, questionOf } from './judge-case.ts'
import { corporaFolder, corporaState, readCases, readDeviations, x509Files } from './x509-corpus.ts'
import type { Decision, X509Case } from './x509-corpus.ts'

// The reviewed differences are those to this release; others know more and less.
const release = 'OpenSSL 3.0.'
const found = spawnSync('openssl', ['version'], { encoding: 'utf8' }).stdout ?? 'none'

if (corporaState !== 'present') {
  test.skip(`openssl verify agrees on the corpora (no folder ${corporaFolder})`, (t) => t.pass())
} else if (!found.startsWith(release)) {
  test.skip(`openssl verify agrees on the corpora (found ${found}, not ${release}x)`, (t) =>
    t.pass())
} else {
  // `openssl verify` takes no OCSP responses.
  for (const file of x509Files.filter((name) => name !== 'openssl-ocsp')) {
    test(`openssl verify agrees on every case of ${file}, except for the reviewed differences`, async (t) => {
      t.timeout(120_000)
      const folder = await mkdtemp(path.join(tmpdir(), 'vouchgate-openssl-'))
      t.teardown(() => rm(folder, { recursive: true }))
      const cases = readCases(file).filter(({ ocsps }) => ocsps.length === 0)
      const differences: Record<string, Decision> = {}
      const queue = cases.values()
      const work = async (name: number): Promise<void> => {
        for (const item of queue) {
          const ours = judgeRevocation(item, validatePath(questionOf(item))).ok
          // One process after the other in each of the lanes.
          // oxlint-disable-next-line no-await-in-loop
          const theirs = await openssl(item, path.join(folder, String(name)))
          if (ours !== theirs) differences[item.id] = ours ? 'accept' : 'reject'
        }
      }
      await Promise.all(Array.from({ length: availableParallelism() }, (_, name) => work(name)))
      t.deepEqual(differences, readDeviations('openssl-differences.json', file))
    })
  }
}

async function openssl(item: X509Case, prefix: string): Promise<boolean> {
  const save = async (name: string, kind: string, ders: readonly string[]): Promise<string> => {
    const file = `${prefix}-${name}.pem`
    await writeFile(file, ders.map((der) => pem(kind, der)).join(''))
    return file
  }
  const [anchors, leaf, rest, crls] = await Promise.all([
    save('anchors', 'CERTIFICATE', item.trusted),
    save('leaf', 'CERTIFICATE', [item.leaf]),
    save('rest', 'CERTIFICATE', item.intermediates),
    save('crls', 'X509 CRL', item.crls),
  ])
  const time = String(Math.floor(Date.parse(item.time) / 1000))
  const options = [
    'verify',
    '-no-CApath',
    '-no-CAstore',
    '-partial_chain',
    '-auth_level',
    '2',
    '-CAfile',
    anchors,
    '-attime',
    time,
    ...(item.intermediates.length > 0 ? ['-untrusted', rest] : []),
    ...(item.crls.length > 0 ? ['-CRLfile', crls, '-extended_crl', '-use_deltas'] : []),
    ...(item.crls.length > 0 ? [item.revocation ? '-crl_check_all' : '-crl_check'] : []),
    ...(item.purpose ? ['-purpose', `ssl${item.purpose}`] : []),
    ...(item.maxDepth === undefined ? [] : ['-verify_depth', String(item.maxDepth)]),
    ...(item.params ? policyOptions(item.params) : []),
    leaf,
  ]
  return new Promise((resolve) => {
    execFile('openssl', options, { timeout: 20_000 }, (error) => resolve(error === null))
  })
}

function policyOptions(params: NonNullable<X509Case['params']>): string[] {
  const policies = params.initialPolicySet ?? ['2.5.29.32.0']
  return [
    '-policy_check',
    ...policies.flatMap((policy) => ['-policy', policy]),
    ...(params.initialExplicitPolicy ? ['-explicit_policy'] : []),
    ...(params.initialPolicyMappingInhibit ? ['-inhibit_map'] : []),
    ...(params.initialInhibitPolicy ? ['-inhibit_any'] : []),
  ]
}

function pem(kind: string, der: string): string {
  const lines = der.match(/.{1,64}/g)?.join('\n') ?? ''
  return `-----BEGIN ${kind}-----\n${lines}\n-----END ${kind}-----\n`
}
