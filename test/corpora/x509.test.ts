import test from 'ava'
import { createPathWorker } from '../../src/certificates/path/validate-path-in-worker.ts'
import { validatePath } from '../../src/certificates/path/validate-path.ts'
import type { PathVerdict } from '../../src/certificates/path/validate-path.ts'
import { bytes, judgeRevocation, questionOf } from './judge-case.ts'
import { corporaFolder, corporaState, readCases, readDeviations, x509Files } from './x509-corpus.ts'
import type { Decision, X509Case } from './x509-corpus.ts'

if (corporaState === 'present') {
  for (const file of x509Files) {
    test(`every case of ${file} is judged as it expects, except for the reviewed deviations`, (t) => {
      const cases = readCases(file)
      t.true(cases.length > 0)
      const deviations: Record<string, Decision> = {}
      for (const item of cases) {
        const verdict = judgeRevocation(item, validatePath(questionOf(item)))
        if (verdict.ok) t.deepEqual(Buffer.from(verdict.path[0]!.raw), bytes(item.leaf), item.id)
        const ours = verdict.ok ? 'accept' : 'reject'
        if (item.expect !== 'may' && item.expect !== ours) deviations[item.id] = ours
      }
      t.deepEqual(deviations, readDeviations('deviations.json', file))
    })

    test(`every costly case of ${file} is answered in the thread's time`, async (t) => {
      const worker = createPathWorker({ waitMilliseconds: 60_000 })
      t.teardown(() => worker.close())
      const costly = readCases(file).filter(({ scope }) => scope === 'dos')
      const ask = async (item: X509Case): Promise<PathVerdict> => {
        const verdict = await worker.validate(questionOf(item))
        // A machine that was busy with something else is not a chain that takes long.
        return isLate(verdict) ? worker.validate(questionOf(item)) : verdict
      }
      const verdicts = await Promise.all(costly.map(ask))
      for (const [index, item] of costly.entries()) {
        const verdict = verdicts[index]!
        t.false(isLate(verdict), item.id)
        t.is(verdict.ok, validatePath(questionOf(item)).ok, item.id)
      }
      t.pass()
    })
  }
} else if (corporaState === 'required') {
  test('the corpora are there', (t) => {
    t.fail(`VOUCHGATE_CORPORA, or ${corporaFolder}, must hold the corpora when CI is set`)
  })
} else {
  test.skip(`the X.509 corpora are judged (no folder ${corporaFolder})`, (t) => t.pass())
}

function isLate(verdict: PathVerdict): boolean {
  return !verdict.ok && /^chain-(timeout|busy|failed)$/.test(verdict.reason)
}
