import { hash } from 'node:crypto'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { createAnchorSet } from '../../../src/certificates/path/anchor-set.ts'
import { createPathWorker } from '../../../src/certificates/path/validate-path-in-worker.ts'
import { createChainMemory } from '../../../src/certificates/trust/chain-memory.ts'
import { findPath } from '../../../src/certificates/trust/find-path.ts'
import { extension, mint, mintChain, newKey, now } from '../path/mint.ts'

const chain = mintChain()
const anchors = createAnchorSet([chain.root])
const at = now.getTime()
const presented = {
  leaf: chain.leaf,
  sha256: hash('sha256', chain.leaf),
  beside: [chain.ca],
  resumed: false,
}
const resumed = { ...presented, beside: [], resumed: true }

function finder(t: ExecutionContext, leaves?: number) {
  const worker = createPathWorker({ waitMilliseconds: 30_000, milliseconds: 30_000 })
  t.teardown(() => worker.close())
  let asked = 0
  return {
    memory: createChainMemory(leaves),
    worker: {
      ...worker,
      validate(question: Parameters<typeof worker.validate>[0]) {
        asked++
        return worker.validate(question)
      },
    },
    get asked() {
      return asked
    },
  }
}

test('a resumed session brings the leaf only, and what stood above it is known from before', async (t) => {
  const parts = finder(t)
  t.like(await findPath(resumed, anchors, at, parts), { ok: false, reason: 'chain-untrusted' })
  t.like(await findPath(presented, anchors, at, parts), { ok: true })
  t.like(await findPath(resumed, anchors, at, parts), { ok: true })
})

test('a resumed session carries no trust to other anchors', async (t) => {
  const parts = finder(t)
  await findPath(presented, anchors, at, parts)
  const other = mint({
    subject: 'CN=root',
    key: newKey(),
    extensions: [extension.ca(), extension.keyUsage(5, 6)],
  })
  t.like(await findPath(resumed, createAnchorSet([other]), at, parts), {
    ok: false,
    reason: 'chain-signature',
  })
  // The same anchors read anew are judged anew, with what is known of the chain.
  t.like(await findPath(resumed, createAnchorSet([chain.root]), at, parts), { ok: true })
})

test('a resumed session outlives no certificate of its path', async (t) => {
  const parts = finder(t)
  await findPath(presented, anchors, at, parts)
  const later = at + 3 * 86_400_000
  t.like(await findPath(resumed, anchors, later, parts), { ok: false, reason: 'chain-expired' })
})

test('a resumed session whose chain is forgotten says what to do', async (t) => {
  const parts = finder(t, 1)
  await findPath(presented, anchors, at, parts)
  const other = mintChain({ leaf: { serial: 4 } })
  await findPath(
    { ...presented, leaf: other.leaf, sha256: hash('sha256', other.leaf) },
    anchors,
    at,
    parts,
  )
  const finding = await findPath(resumed, anchors, at, parts)
  t.like(finding, { ok: false, reason: 'chain-untrusted' })
  t.regex((!finding.ok && finding.hint) || '', /resumed/)
})

test('a path is found once for the same certificates, and not at all without all of them', async (t) => {
  const parts = finder(t)
  const proven = async (beside: readonly Buffer[]) => {
    const finding = await findPath({ ...presented, beside }, anchors, at, parts)
    return finding.ok ? finding.proven : undefined
  }
  t.truthy(await proven([chain.ca]))
  const known = await proven([chain.ca])
  t.truthy(known)
  t.is(await proven([Buffer.from(chain.root), Buffer.from(chain.ca)]), known)
  t.is(await proven([]), undefined)
})

test('a chain that could take long is judged in the thread, and to the same effect', async (t) => {
  const parts = finder(t)
  t.like(await findPath(presented, anchors, at, parts), { ok: true })
  t.is(parts.asked, 0)
  const { leaf, ca } = mintChain({ leaf: { serial: 9 } })
  const junk = Array.from({ length: 20 }, (_, index) => mint({ subject: `CN=${index}` }))
  const long = { ...presented, leaf, sha256: hash('sha256', leaf), beside: [...junk, ca] }
  t.like(await findPath(long, anchors, at, parts), { ok: true })
  t.is(parts.asked, 1)
  t.like(await findPath({ ...long, sha256: '', beside: junk }, anchors, at, parts), { ok: false })
  t.is(parts.asked, 2)
})

test('what is not trusted is not remembered', async (t) => {
  const parts = finder(t)
  await findPath({ ...presented, beside: [] }, anchors, at, parts)
  t.is(parts.memory.recall(presented.sha256), undefined)
})
