import test from 'ava'
import * as fc from 'fast-check'

import { sharedTarget } from '../hostile/support/target.ts'
import { recordingUpstream } from '../support/recording-upstream.ts'
import { arbitraryDamage, arbitraryRequest, damaged, spoken } from './support/arbitrary-requests.ts'
import type { Damage, SpokenRequest } from './support/arbitrary-requests.ts'
import { differences, echo, PROOF } from './support/two-ways.ts'

/** More of them, or the same again: VOUCHGATE_DIFFERENTIAL=20000 VOUCHGATE_SEED=… */
const RUNS = Number(process.env['VOUCHGATE_DIFFERENTIAL'] ?? 150)
const SEED = process.env['VOUCHGATE_SEED']
const settings = {
  numRuns: RUNS,
  includeErrorInReport: true,
  ...(SEED !== undefined && { seed: Number(SEED) }),
}

const target = sharedTarget(test, { answerBytes: echo })

let count = 0

/** The octets of the requests one after the other, each marked, and one that ends the connection. */
function conversation(requests: readonly SpokenRequest[], prefix: string, damage: Damage) {
  const id = `d${count++}`
  const more = prefix === '/api' ? [PROOF] : []
  const marked = requests.map((one, i) =>
    spoken({ ...one, target: one.target.replace(prefix, `${prefix}/${id}.${i + 1}.`) }, more),
  )
  const last = `GET ${prefix}/${id}.${requests.length + 1}.last HTTP/1.1\r\nHost: a\r\nConnection: close\r\n`
  const proof = more.map((line) => `${line.join(': ')}\r\n`).join('')
  return {
    id,
    octets: `${damaged(marked.join(''), damage)}${last}${proof}\r\n`,
    methods: [...requests.map(({ method }) => method), 'GET'],
  }
}

for (const [where, prefix] of [
  ['in the open', '/public'],
  ['by who may call', '/api'],
] as const)
  for (const [how, damages] of [
    ['as they are', fc.constant([])],
    ['with some octets changed', arbitraryDamage],
  ] as const)
    test.serial(
      `requests ${where}, ${how}, arrive as they would directly, or are refused`,
      async (t) => {
        const direct = await recordingUpstream(t)
        const before = target().upstream.arrived.length
        const requests = fc.array(arbitraryRequest(prefix), { minLength: 1, maxLength: 5 })
        await fc.assert(
          fc.asyncProperty(requests, damages, async (some, damage) => {
            const fault = await differences(target(), direct, conversation(some, prefix, damage))
            if (fault !== undefined) throw new Error(fault)
          }),
          settings,
        )
        // each run asks once whether it still serves
        const arrived = target().upstream.arrived.length - before - RUNS
        t.log(`${arrived} of ${direct.arrived.length} arrived`)
        t.true(arrived > RUNS / 10)
      },
    )
