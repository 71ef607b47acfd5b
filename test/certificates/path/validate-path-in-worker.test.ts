import test from 'ava'
import { createPathWorker } from '../../../src/certificates/path/validate-path-in-worker.ts'
import type { PathWorkerOptions } from '../../../src/certificates/path/validate-path-in-worker.ts'
import { questionOf, wordOf } from './judge.ts'
import { mintChain } from './mint.ts'

const chain = mintChain()
const question = questionOf(chain)

/** A thread that says it is ready and does this with what it is asked. */
const thread = (reaction: string): URL =>
  new URL(
    `data:text/javascript,${encodeURIComponent(`
      import { parentPort } from 'node:worker_threads'
      parentPort.on('message', (request) => { ${reaction} })
      parentPort.postMessage({ ready: true })
    `)}`,
  )

const endless =
  'if (request.leaf[0] !== 0) { for (;;); } else parentPort.postMessage({ ok: false, reason: "late" })'

test('the thread gives the verdict, and the path as values of here', async (t) => {
  const worker = createPathWorker()
  t.teardown(() => worker.close())
  const verdict = await worker.validate(question)
  t.true(verdict.ok)
  if (verdict.ok) {
    t.deepEqual(Buffer.from(verdict.path[0]!.raw), chain.leaf)
    t.is(verdict.path[2], question.anchors.certificates[0])
  }
  t.is(wordOf(await worker.validate({ ...question, intermediates: [] })), 'chain-untrusted')
  const other = questionOf(mintChain({ root: { subject: 'CN=other' } }))
  t.is(wordOf(await worker.validate(other)), 'chain-untrusted')
  t.is(wordOf(await worker.validate(question)), 'ok')
})

test('many at once are all answered', async (t) => {
  const worker = createPathWorker({ waiting: 200, waitMilliseconds: 60_000 })
  t.teardown(() => worker.close())
  const verdicts = await Promise.all(Array.from({ length: 200 }, () => worker.validate(question)))
  t.deepEqual(new Set(verdicts.map(wordOf)), new Set(['ok']))
})

test('what is too large never reaches the thread', async (t) => {
  const worker = createPathWorker({ program: thread('throw new Error("never")') })
  t.teardown(() => worker.close())
  const verdict = await worker.validate({ ...question, leaf: Buffer.alloc(10_000) })
  t.is(wordOf(verdict), 'chain-too-large')
})

test('a chain that takes too long is refused, and the next one has a new thread', async (t) => {
  const worker = createPathWorker({
    milliseconds: 50,
    waitMilliseconds: 60_000,
    program: thread(endless),
  })
  t.teardown(() => worker.close())
  const harmless = { ...question, leaf: Buffer.of(0) }
  const verdicts = await Promise.all([
    worker.validate(question),
    worker.validate(harmless),
    worker.validate(question),
    worker.validate(harmless),
  ])
  t.deepEqual(verdicts.map(wordOf), ['chain-timeout', 'late', 'chain-timeout', 'late'])
})

test('more than may wait are refused at once, and who waited too long as well', async (t) => {
  const options: PathWorkerOptions = { waiting: 2, milliseconds: 60_000, program: thread(endless) }
  const full = createPathWorker({ ...options, waitMilliseconds: 60_000 })
  const waiting = [full.validate(question), full.validate(question)]
  t.is(wordOf(await full.validate(question)), 'chain-busy')
  await full.close()
  t.deepEqual((await Promise.all(waiting)).map(wordOf), ['chain-busy', 'chain-busy'])
  t.is(wordOf(await full.validate(question)), 'chain-busy')

  const slow = createPathWorker({ ...options, waitMilliseconds: 20, program: thread('') })
  t.teardown(() => slow.close())
  const [running, late] = [slow.validate(question), slow.validate(question)]
  t.is(wordOf(await late), 'chain-busy')
  await slow.close()
  t.is(wordOf(await running), 'chain-busy')
})

test('a thread that breaks refuses, whether it had begun or not', async (t) => {
  for (const program of [
    thread('throw new Error("broken")'),
    thread('process.exit(0)'),
    new URL('data:text/javascript,throw new Error("broken at once")'),
  ]) {
    const worker = createPathWorker({ program, waitMilliseconds: 60_000 })
    t.teardown(() => worker.close())
    // One thread after the other.
    // oxlint-disable-next-line no-await-in-loop
    const verdicts = await Promise.all([worker.validate(question), worker.validate(question)])
    t.deepEqual(verdicts.map(wordOf), ['chain-failed', 'chain-failed'])
  }
})

test('an answer with a path of other certificates is refused', async (t) => {
  const reaction = 'parentPort.postMessage({ ok: true, path: [request.leaf] })'
  const worker = createPathWorker({ program: thread(reaction) })
  t.teardown(() => worker.close())
  t.is(wordOf(await worker.validate(question)), 'chain-failed')
})
