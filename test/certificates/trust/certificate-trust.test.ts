import test from 'ava'
import type { ExecutionContext } from 'ava'

import type { CertificateTrust, PeerCertificate } from '#contract'

import { createAnchorSet } from '../../../src/certificates/path/anchor-set.ts'
import { parseCrl } from '../../../src/certificates/path/parse-crl.ts'
import { createPathWorker } from '../../../src/certificates/path/validate-path-in-worker.ts'
import { certificates } from '../../../src/certificates/peer-of-message.ts'
import { createRevocation, noRevocation } from '../../../src/certificates/revocation/revocation.ts'
import type { Revocation } from '../../../src/certificates/revocation/revocation.ts'
import { certificateTrust } from '../../../src/certificates/trust/certificate-trust.ts'
import { createChainMemory } from '../../../src/certificates/trust/chain-memory.ts'
import type { ChainMemory } from '../../../src/certificates/trust/chain-memory.ts'
import type { TrustSet } from '../../../src/certificates/trust/trust-set.ts'
import { mint, mintChain, newKey, now, extension } from '../path/mint.ts'
import { mintCrl } from '../path/mint-revocation.ts'

const chain = mintChain()
const otherRoot = mint({
  subject: 'CN=root',
  key: newKey(),
  extensions: [extension.ca(), extension.keyUsage(5, 6)],
})
const hour = 3_600_000

interface Setting {
  readonly trust: CertificateTrust
  readonly memory: ChainMemory
  time: number
  /** By how much somebody has set the clock. */
  set: number
}

function setting(
  t: ExecutionContext,
  sets: Readonly<Record<string, readonly Buffer[]>> = { default: [chain.root] },
  revocation: Revocation = noRevocation,
): Setting {
  const worker = createPathWorker({ waitMilliseconds: 30_000, milliseconds: 30_000 })
  t.teardown(() => worker.close())
  const memory = createChainMemory()
  const made = Object.entries(sets).map(([name, ders]): [string, TrustSet] => [
    name,
    { anchors: createAnchorSet(ders), revocation },
  ])
  const state = { time: now.getTime(), set: 0, memory }
  const clocks = { clock: () => state.time + state.set, ticks: () => state.time }
  const parts = { ...clocks, sets: new Map(made), worker, memory, patience: 1000 }
  return Object.assign(state, { trust: certificateTrust(parts) })
}

function sent(leaf: Buffer, ...beside: Buffer[]): PeerCertificate {
  const peer = certificates.read(leaf, beside)
  if (peer === undefined) throw new Error('no certificate')
  return peer
}

test('a path to an anchor makes a certificate trusted', async (t) => {
  const { trust } = setting(t)
  t.deepEqual(await trust.verify(sent(chain.leaf, chain.ca)), { ok: true })
})

test('a certificate of no connection and no message is not trusted', async (t) => {
  const { trust } = setting(t)
  const peer = { ...sent(chain.leaf, chain.ca), raw: chain.leaf }
  t.like(await trust.verify(peer), { ok: false, reason: 'chain-untrusted' })
})

test('without anchors nobody is trusted, and without a set neither', async (t) => {
  const { trust } = setting(t, { default: [] })
  const peer = sent(chain.leaf, chain.ca)
  t.like(await trust.verify(peer), { ok: false, reason: 'chain-untrusted' })
  t.like(await trust.verify(peer, { anchors: 'tenant-x' }), {
    ok: false,
    reason: 'anchors-unknown',
  })
})

test('the anchors of one set vouch for nobody in another, whatever was proven before', async (t) => {
  const { trust } = setting(t, { 'tenant-a': [chain.root], 'tenant-b': [otherRoot], default: [] })
  const peer = sent(chain.leaf, chain.ca)
  t.deepEqual(await trust.verify(peer, { anchors: 'tenant-a' }), { ok: true })
  for (const again of [peer, sent(chain.leaf, chain.ca)]) {
    t.like(await trust.verify(again, { anchors: 'tenant-b' }), { ok: false })
    t.like(await trust.verify(again), { ok: false })
    t.deepEqual(await trust.verify(again, { anchors: 'tenant-a' }), { ok: true })
  }
})

test('a verdict is given again at once while it holds', async (t) => {
  const { trust } = setting(t)
  const peer = sent(chain.leaf, chain.ca)
  const first = trust.verify(peer)
  t.true(first instanceof Promise)
  t.is(trust.verify(peer), first)
  const verdict = await first
  t.is(trust.verify(peer), verdict)
})

test('a connection is judged again when a certificate of its path expires', async (t) => {
  const made = setting(t)
  const { trust } = made
  const short = mintChain({ ca: { until: new Date(now.getTime() + hour) } })
  const peer = sent(short.leaf, short.ca)
  t.deepEqual(await trust.verify(peer), { ok: true })
  made.time += hour
  t.deepEqual(await trust.verify(peer), { ok: true })
  made.time += 1000
  t.like(await trust.verify(peer), { ok: false, reason: 'chain-expired' })
})

test('a verdict lives no longer when the clock is set back, nor when it is set ahead', async (t) => {
  const short = mintChain({ leaf: { until: new Date(now.getTime() + hour) } })
  const back = setting(t)
  const ahead = setting(t)
  const peer = sent(short.leaf, short.ca)
  for (const { trust } of [back, ahead]) t.deepEqual(await trust.verify(peer), { ok: true })
  back.set = -2 * hour
  back.time += hour + 1000
  t.true(back.trust.verify(peer) instanceof Promise)
  ahead.set = hour + 1000
  t.like(await ahead.trust.verify(peer), { ok: false, reason: 'chain-expired' })
})

test('a certificate that is not yet valid becomes it on its connection', async (t) => {
  const made = setting(t)
  const early = mintChain({ leaf: { from: new Date(now.getTime() + 30_000) } })
  const peer = sent(early.leaf, early.ca)
  t.like(await made.trust.verify(peer), { ok: false, reason: 'chain-not-yet-valid' })
  made.time += 60_000
  t.deepEqual(await made.trust.verify(peer), { ok: true })
})

test('a connection is judged again when a revocation becomes known', async (t) => {
  const list = (...entries: number[]) => {
    const reading = parseCrl(mintCrl({ issuer: 'CN=ca', signer: chain.caKey, entries }))
    if (!reading.ok) throw new Error(reading.reason)
    return reading.crl
  }
  const rules = { mode: 'leaf', policy: 'hard', grace: 0 } as const
  const clock = () => now.getTime()
  const parts = { clock, ticks: clock, random: () => 0, report: () => undefined }
  const revocation = createRevocation(rules, [list()], parts)
  const { trust } = setting(t, { default: [chain.root] }, revocation)
  const peer = sent(chain.leaf, chain.ca)
  t.deepEqual(await trust.verify(peer), { ok: true })
  revocation.replaceFiles([list(3)])
  t.like(await trust.verify(peer), { ok: false, reason: 'chain-revoked' })
  revocation.replaceFiles([])
  t.like(await trust.verify(peer), { ok: false, reason: 'chain-revocation-unknown' })
  revocation.replaceFiles([list()])
  t.deepEqual(await trust.verify(peer), { ok: true })
})

test('the leaf is the first certificate, whatever else comes along', async (t) => {
  const { trust } = setting(t)
  const evil = mint({ subject: 'O=bank, CN=client', key: newKey() })
  for (const beside of [
    [evil, chain.ca, chain.leaf],
    [chain.leaf, chain.ca, evil],
    [chain.leaf, chain.ca, chain.root],
  ]) {
    t.like(await trust.verify(sent(evil, ...beside)), { ok: false })
  }
})

test('an intermediate that is not sent is not made up for by what others sent', async (t) => {
  const { trust } = setting(t)
  t.deepEqual(await trust.verify(sent(chain.leaf, chain.ca)), { ok: true })
  t.like(await trust.verify(sent(chain.leaf)), { ok: false, reason: 'chain-untrusted' })
  t.deepEqual(await trust.verify(sent(chain.leaf, otherRoot, chain.ca)), { ok: true })
})

test('a thread that has no time now says nothing against the certificate', async (t) => {
  const worker = createPathWorker()
  await worker.close()
  const anchors = createAnchorSet([chain.root])
  const sets = new Map([['default', { anchors, revocation: noRevocation }]])
  const memory = createChainMemory()
  const clock = () => now.getTime()
  const trust = certificateTrust({ sets, worker, memory, clock, ticks: clock, patience: 1000 })
  const many = Array.from({ length: 5 }, () => chain.ca)
  t.like(await trust.verify(sent(chain.leaf, ...many)), {
    ok: false,
    reason: 'chain-busy',
    retryable: true,
  })
})
