import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { cpus, tmpdir } from 'node:os'
import path from 'node:path'

import { Certificate, CertificateChainValidationEngine } from 'pkijs'

import { issueCertificate } from '../src/certificates/issue-certificate.ts'
import type { IssuedCertificate, IssueOptions } from '../src/certificates/issue-certificate.ts'
import { createAnchorSet } from '../src/certificates/path/anchor-set.ts'
import { validatePath } from '../src/certificates/path/validate-path.ts'
import { createPathWorker } from '../src/certificates/path/validate-path-in-worker.ts'
import { certificates } from '../src/certificates/peer-of-message.ts'
import { noRevocation } from '../src/certificates/revocation/revocation.ts'
import { certificateTrust } from '../src/certificates/trust/certificate-trust.ts'
import { createChainMemory } from '../src/certificates/trust/chain-memory.ts'

// Path validation beside `openssl verify` and the engine of PKIjs, and what a verdict costs that is known already.
// node bench/certificates.ts [leaves]

const leaves = Number(process.argv[2] ?? 400)
const rounds = 5
const now = new Date()
const times = { notBefore: new Date(+now - 864e5), notAfter: new Date(+now + 864e5) }

const issue = (subject: string, options: Partial<IssueOptions>) =>
  issueCertificate({ subject, ...times, ...options })

/** The best of several rounds, in microseconds for each of so many. */
async function best(count: number, run: () => unknown): Promise<number> {
  let least = Infinity
  for (let round = 0; round < rounds; round++) {
    const begun = performance.now()
    await run()
    least = Math.min(least, ((performance.now() - begun) * 1000) / count)
  }
  return least
}

const root = await issue('CN=root', { ca: true })
const ca = await issue('CN=ca', { ca: true, issuer: root })
const all: IssuedCertificate[] = []
for (let index = 0; index < leaves; index++) {
  all.push(await issue(`CN=client ${index}`, { issuer: ca, extendedKeyUsage: ['clientAuth'] }))
}
const anchors = createAnchorSet([root.certificate])
const question = ({ certificate }: IssuedCertificate) =>
  ({
    leaf: certificate,
    intermediates: [ca.certificate],
    anchors,
    at: now,
    purpose: 'client',
  }) as const

const inProcess = await best(leaves, () => {
  for (const leaf of all) if (!validatePath(question(leaf)).ok) throw new Error('refused')
})

const worker = createPathWorker({ waiting: leaves, waitMilliseconds: 60_000 })
const inThread = await best(leaves, async () => {
  for (const leaf of all)
    if (!(await worker.validate(question(leaf))).ok) throw new Error('refused')
})

const pkijs = await best(leaves, async () => {
  const trusted = [Certificate.fromBER(Uint8Array.from(root.certificate))]
  for (const { certificate } of all) {
    const certs = [ca.certificate, certificate].map((der) =>
      Certificate.fromBER(Uint8Array.from(der)),
    )
    const engine = new CertificateChainValidationEngine({ trustedCerts: trusted, certs })
    if (!(await engine.verify()).result) throw new Error('refused')
  }
})

const folder = mkdtempSync(path.join(tmpdir(), 'vouchgate-bench-'))
const file = (name: string, pem: string) => {
  const full = path.join(folder, name)
  writeFileSync(full, pem)
  return full
}
const [anchorFile, caFile] = [file('root.pem', root.pem), file('ca.pem', ca.pem)]
const files = all.map(({ pem }, index) => file(`${index}.pem`, pem))
const openssl = (some: readonly string[]) => {
  const options = ['-purpose', 'sslclient', '-CAfile', anchorFile, '-untrusted', caFile]
  execFileSync('openssl', ['verify', '-no-CApath', '-no-CAstore', ...options, ...some])
}
const oneFile = await best(1, () => openssl(files.slice(0, 1)))
const allFiles = await best(1, () => openssl(files))
const perFile = (allFiles - oneFile) / (leaves - 1)
rmSync(folder, { recursive: true })

const memory = createChainMemory()
const sets = new Map([['default', { anchors, revocation: noRevocation }]])
const trust = certificateTrust({
  sets,
  worker,
  memory,
  clock: Date.now,
  ticks: () => performance.now(),
  patience: 1000,
})
const peers = all.map(({ certificate }) => certificates.read(certificate, [ca.certificate])!)
for (const peer of peers) await trust.verify(peer)
const asked = 1_000_000
const cached = await best(asked, () => {
  let trusted = 0
  for (let index = 0; index < asked; index++) {
    const verdict = trust.verify(peers[index % leaves]!)
    if (!(verdict instanceof Promise) && verdict.ok) trusted++
  }
  if (trusted !== asked) throw new Error('not all at once')
})
const again = await best(leaves, async () => {
  for (const { certificate } of all) {
    await trust.verify(certificates.read(certificate, [ca.certificate])!)
  }
})
await worker.close()

const row = (what: string, microseconds: number) => ({
  what,
  'µs each': Number(microseconds.toFixed(microseconds < 10 ? 3 : 1)),
  'per second': Math.round(1e6 / microseconds),
})
console.log(`${cpus()[0]?.model}, Node ${process.version}, best of ${rounds} rounds`)
console.log(`${leaves} leaves below one intermediate, ECDSA P-256, each path with its parsing`)
console.table([
  row('validatePath, in process', inProcess),
  row('validatePath, in the thread, one after the other', inThread),
  row('openssl verify, all files in one process, its start subtracted', perFile),
  row('openssl verify, a process each', oneFile),
  row('PKIjs, CertificateChainValidationEngine', pkijs),
  row('verdict of a new connection whose path was proven before', again),
  row('verdict that is known on the connection', cached),
])
