import { createPrivateKey } from 'node:crypto'
import type { webcrypto } from 'node:crypto'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { createAnchorSet } from '../../src/certificates/path/anchor-set.ts'
import { parseCrl } from '../../src/certificates/path/parse-crl.ts'
import { validatePath } from '../../src/certificates/path/validate-path.ts'
import { openConnection } from '../support/open-connection.ts'
import { pki } from '../support/pki.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'
import { tokenRequest } from '../support/token-request.ts'
import { bytes, judgeRevocation, questionOf } from './judge-case.ts'
import { corporaFolder, corporaState, readCases, readDeviations } from './x509-corpus.ts'
import type { X509Case } from './x509-corpus.ts'

/** A client of this type of secret is whoever the anchors of the set vouch for. */
const TRUSTED_ONLY = `export default {
  contract: 1,
  setup: () => ({
    accepts: 'certificate',
    secretTypes: ['AnyTrusted'],
    validate: async ({ credential, secrets, trust }) => {
      const [secret] = secrets
      const verdict = await trust.verify(credential.peer, { anchors: secret?.value ?? 'default' })
      return verdict.ok ? { ok: true, secret, method: 'tls_client_auth' } : verdict
    },
  }),
}`

interface KeyedCase extends X509Case {
  readonly leafKey: string
}

/** Cases that can be shown to a sidecar that runs today: with a key, and nothing that only a library could be told. */
function showable(file: string): readonly KeyedCase[] {
  return readCases(file).filter(
    (item): item is KeyedCase =>
      'leafKey' in item &&
      typeof item.leafKey === 'string' &&
      item.ocsps.length === 0 &&
      item.maxDepth === undefined &&
      loads(item),
  )
}

/** Anchors and CRLs that are refused when they are loaded never get so far. */
function loads({ trusted, crls }: X509Case): boolean {
  const anchors = createAnchorSet(trusted.map(bytes))
  return (
    anchors.faults.length === 0 &&
    anchors.certificates.every(
      ({ extensions, publicKey }) =>
        extensions.basicConstraints?.ca === true && publicKey.weakness === undefined,
    ) &&
    crls.every((crl) => {
      const reading = parseCrl(bytes(crl))
      return reading.ok && !reading.crl.unusable && reading.crl.nextUpdate !== undefined
    })
  )
}

/** Our verdict on a case; at its own time the same suite compares that with what the corpus expects. */
function judged(item: X509Case, time: string): boolean {
  const question = questionOf({ ...item, time })
  return judgeRevocation({ ...item, time }, validatePath(question)).ok
}

function pem(label: string, base64: string): string {
  return `-----BEGIN ${label}-----\n${base64}\n-----END ${label}-----\n`
}

async function start(t: ExecutionContext, cases: readonly KeyedCase[]): Promise<Running> {
  const files: Record<string, string> = { 'plugins/validators/any-trusted.mjs': TRUSTED_ONLY }
  const sets: Record<string, object> = {}
  for (const [index, { trusted, crls, revocation }] of cases.entries()) {
    files[`${index}.crt`] = trusted.map((der) => pem('CERTIFICATE', der)).join('')
    files[`${index}.crl`] = crls.map((der) => pem('X509 CRL', der)).join('')
    const mode = revocation ? 'chain' : 'leaf'
    const rules = { revocation: { mode, crls: [`${index}.crl`] } }
    sets[`case-${index}`] = { anchors: [`${index}.crt`], ...(crls.length > 0 && rules) }
  }
  return startSidecar(t, {
    settings: { trust: { anchors: [], sets }, plugins: { folders: ['plugins'], timeLimit: '20s' } },
    files,
    clients: cases.map((_, index) => ({
      clientId: `case-${index}`,
      clientSecrets: ['AnyTrusted', 'X509Anchor'].map((type) => ({ type, value: `case-${index}` })),
    })),
  })
}

/** @returns undefined when our own side cannot present the certificate */
async function byHandshake(t: ExecutionContext, { port }: Running, index: number, item: KeyedCase) {
  const cert = [item.leaf, ...item.intermediates].map((der) => pem('CERTIFICATE', der)).join('')
  const { rootCa } = await pki()
  const options = {
    ca: rootCa.pem,
    cert,
    key: item.leafKey,
    ciphers: 'DEFAULT@SECLEVEL=0',
    maxVersion: index % 2 === 0 ? ('TLSv1.2' as const) : ('TLSv1.3' as const),
  }
  try {
    const connection = await openConnection(t, port, options)
    const { status } = await connection.send(tokenRequest({ form: { client_id: `case-${index}` } }))
    connection.close()
    return status
  } catch {
    return undefined
  }
}

const ALGORITHMS: Readonly<Record<string, string>> = {
  'P-256': 'ES256',
  'P-384': 'ES384',
  'P-521': 'ES512',
  Ed25519: 'EdDSA',
}

/** @returns undefined when no algorithm of ours signs with the key */
async function byAssertion(running: Running, index: number, item: KeyedCase) {
  const key = createPrivateKey(item.leafKey)
  const jwk: webcrypto.JsonWebKey = (() => {
    try {
      return key.export({ format: 'jwk' })
    } catch {
      return {}
    }
  })()
  const alg = jwk.kty === 'RSA' ? 'RS256' : ALGORITHMS[jwk.crv ?? '']
  if (alg === undefined) return undefined
  const x5c = [item.leaf, ...item.intermediates]
  try {
    const form = await signAssertion(`case-${index}`, jwk, { header: { alg, x5c } })
    return (await running.send(tokenRequest({ form }))).status
  } catch {
    return undefined
  }
}

if (corporaState === 'present') {
  for (const file of ['attack', 'limbo-client']) {
    test(`every case of ${file} that can be shown is judged by a running sidecar as by the library`, async (t) => {
      t.timeout(300_000)
      const cases = showable(file)
      t.true(cases.length > 30)
      const running = await start(t, cases)
      const deviations = readDeviations('deviations.json', file)
      const shown = { handshake: 0, x5c: 0, accepted: 0 }
      for (const [index, item] of cases.entries()) {
        const expected = judged(item, new Date().toISOString())
        const status = await byHandshake(t, running, index, item)
        if (status !== undefined) {
          shown.handshake++
          t.is(status === 200, expected, `${item.id}: ${status}`)
        }
        const asserted = await byAssertion(running, index, item)
        if (asserted !== undefined) {
          shown.x5c++
          // Ten certificates at most come in a header.
          if (item.intermediates.length < 10 || asserted === 200) {
            t.is(asserted === 200, expected, `x5c ${item.id}: ${asserted}`)
          }
        }
        if (expected) shown.accepted++
        const timeless = expected === judged(item, item.time)
        const wrong = item.expect === 'reject' && expected && deviations[item.id] !== 'accept'
        t.false(timeless && wrong, item.id)
        for (const one of [status, asserted]) t.not(one, 500, item.id)
      }
      t.log(shown)
      t.true(shown.handshake > 30 && shown.x5c > 30 && shown.accepted > 5)
    })
  }
} else {
  test.skip(`the cases are shown to a running sidecar (no folder ${corporaFolder})`, (t) =>
    t.pass())
}
