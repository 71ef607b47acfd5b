import { METHODS } from 'node:http'

import test from 'ava'
import * as fc from 'fast-check'

import { sharedTarget } from '../hostile/support/target.ts'
import {
  block,
  END_HEADERS,
  END_STREAM,
  FRAME,
  frame,
  isGoaway,
  openRawHttp2,
} from '../support/raw-http2.ts'
import type { Frame, Line, RawHttp2 } from '../support/raw-http2.ts'
import { recordingUpstream } from '../support/recording-upstream.ts'
import type { RecordingUpstream } from '../support/recording-upstream.ts'
import { arbitraryRequest, spoken } from './support/arbitrary-requests.ts'
import type { SpokenBody, SpokenRequest } from './support/arbitrary-requests.ts'
import { echo, matched, PROOF, tellDirectly } from './support/two-ways.ts'

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

/** How the octets of a body are cut into frames, and how much padding each has. */
type Cuts = readonly (readonly [size: number, padding: number])[]

interface Told extends SpokenRequest {
  readonly cuts: Cuts
  /** Whether the length of the body is said. */
  readonly sized: boolean
}

/** In HTTP/2 such a line is left out by the library below, which HTTP/1.1 has no word for. */
const VALID = /^[\t\x20-\x7e\x80-\xff]*$/
const NAME = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

const told = (prefix: string): fc.Arbitrary<Told> =>
  fc
    .record({
      request: arbitraryRequest(prefix),
      cuts: fc.array(
        fc.tuple(fc.integer({ min: 0, max: 9000 }), fc.integer({ min: 0, max: 255 })),
        {
          maxLength: 4,
        },
      ),
      sized: fc.boolean(),
    })
    .map(({ request, cuts, sized }) => {
      let cookies = 0
      const headers = request.headers.filter(
        ([name, value]) =>
          NAME.test(name) &&
          VALID.test(value) &&
          (name.toLowerCase() !== 'cookie' || cookies++ === 0),
      )
      // a method that node's HTTP/1.1 has no word for cannot be compared
      const method = METHODS.includes(request.method) ? request.method : 'GET'
      return { ...request, method, headers, cuts, sized }
    })

function framesOf(request: Told, stream: number, more: readonly Line[]): Buffer[] {
  const { method, target: path, host, headers, body, cuts, sized } = request
  const content = contentOf(body)
  const bodiless = body.kind === 'none'
  const length: readonly Line[] =
    sized && !bodiless ? [['content-length', `${content.length}`]] : []
  const lines: Line[] = [
    [':method', method],
    [':scheme', 'https'],
    [':authority', host],
    [':path', path],
    ...[...more, ...headers, ...length].map(([name, value]): Line => [
      name.toLowerCase(),
      value.replaceAll(/^[\t ]+|[\t ]+$/g, ''),
    ]),
  ]
  const head = frame(FRAME.headers, END_HEADERS | (bodiless ? END_STREAM : 0), stream, block(lines))
  return bodiless ? [head] : [head, ...dataFrames(content, stream, cuts)]
}

function dataFrames(content: string, stream: number, cuts: Cuts): Buffer[] {
  const frames: Buffer[] = []
  let rest = content
  for (const [size, padding] of cuts) {
    const piece = Buffer.from(rest.slice(0, size), 'latin1')
    frames.push(
      frame(
        FRAME.data,
        8,
        stream,
        Buffer.concat([Buffer.of(padding), piece, Buffer.alloc(padding)]),
      ),
    )
    rest = rest.slice(size)
  }
  for (; rest.length > 16_384; rest = rest.slice(16_384))
    frames.push(frame(FRAME.data, 0, stream, rest.slice(0, 16_384)))
  return [...frames, frame(FRAME.data, END_STREAM, stream, rest)]
}

function contentOf(body: SpokenBody): string {
  if (body.kind === 'none') return ''
  return body.kind === 'length' ? body.text : body.chunks.map(([one]) => one).join('')
}

const isEnd = ({ type, flags }: Frame): boolean =>
  type === FRAME.reset ||
  ((type === FRAME.data || type === FRAME.headers) && (flags & END_STREAM) !== 0)

/** Sends the requests on one connection, frame by frame in turn. @returns the body of each answer */
async function tell(raw: RawHttp2, requests: readonly (readonly Buffer[])[]): Promise<string[]> {
  const left = requests.map((frames) => [...frames])
  while (left.some((frames) => frames.length > 0))
    for (const frames of left) raw.write(...frames.splice(0, 1))
  const answers: string[] = []
  for (const i of requests.keys()) {
    const stream = 2 * i + 1
    await raw.until((one) => isGoaway(one) || (one.stream === stream && isEnd(one)))
    const data = raw.frames.filter((one) => one.type === FRAME.data && one.stream === stream)
    answers.push(Buffer.concat(data.map(({ payload }) => payload)).toString('latin1'))
  }
  return answers
}

async function differences(
  requests: readonly Told[],
  prefix: string,
  direct: RecordingUpstream,
): Promise<string | undefined> {
  const { upstream, port, pki, serves } = target()
  const id = `e${count++}`
  const more = prefix === '/api' ? [PROOF] : []
  const marked = requests.map((one, i) => ({
    ...one,
    target: one.target.replace(prefix, `${prefix}/${id}.${i + 1}.`),
  }))
  const before = { arrived: upstream.arrived.length, faults: upstream.faults.length }
  const endings: (() => unknown)[] = []
  const raw = await openRawHttp2({ teardown: (end) => endings.push(end) }, port, {
    ca: pki.rootCa.pem,
  })
  const streams = marked.map((one, i) => framesOf(one, 2 * i + 1, more))
  const answers = await tell(raw, streams)
  for (const end of endings) end()
  for (const one of marked) {
    // the framing of HTTP/1.1 has no part in this
    const body = { kind: 'length', text: contentOf(one.body) } as const
    const headers = [...one.headers, ['Connection', 'close']] as const
    await tellDirectly(direct.port, spoken({ ...one, body, headers }, more))
  }
  await serves()
  const faults = upstream.faults.slice(before.faults)
  if (faults.length > 0) return `no request: ${faults.join()}`
  const wrong = answers.findIndex((text, i) => text.startsWith('/') && text !== marked[i]?.target)
  if (wrong !== -1) return `the answer to ${marked[wrong]?.target} was that to ${answers[wrong]}`
  const arrived = upstream.arrived
    .slice(before.arrived)
    .filter(({ target: path }) => path !== '/healthy')
  return matched(
    arrived,
    direct.arrived.filter(({ url }) => url.includes(`/${id}.`)),
  )
}

for (const [where, prefix] of [
  ['in the open', '/public'],
  ['by who may call', '/api'],
] as const)
  test.serial(
    `requests over HTTP/2, ${where}, arrive as those over HTTP/1.1 would directly, or are refused`,
    async (t) => {
      const direct = await recordingUpstream(t)
      const before = target().upstream.arrived.length
      await fc.assert(
        fc.asyncProperty(
          fc.array(told(prefix), { minLength: 1, maxLength: 5 }),
          async (requests) => {
            const fault = await differences(requests, prefix, direct)
            if (fault !== undefined) throw new Error(fault)
          },
        ),
        settings,
      )
      const arrived = target().upstream.arrived.length - before - RUNS
      t.log(`${arrived} of ${direct.arrived.length} arrived`)
      t.true(arrived > RUNS / 10)
    },
  )
