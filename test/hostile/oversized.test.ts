import { readFileSync } from 'node:fs'

import test from 'ava'

import { basic } from '../support/send.ts'
import { AUTHORIZATION, sharedTarget } from './support/target.ts'

const target = sharedTarget(test)

let count = 0

const head = (path: string, lines: readonly string[]): string =>
  [`GET ${path} HTTP/1.1`, 'Host: a', 'Connection: close', ...lines, '', ''].join('\r\n')

const lines = (length: number, line: string): readonly string[] =>
  Array.from({ length }, () => line)

/** What is too much, the status it gets, and why; without a reason it was Node's parser that refused. */
const REFUSED: Readonly<
  Record<
    string,
    readonly [
      status: number | undefined,
      reason: string | undefined,
      lines: readonly string[],
      path?: string,
    ]
  >
> = {
  'a head of 17 KiB': [431, undefined, [`X: ${'a'.repeat(17_000)}`]],
  'a head of 64 KiB': [431, undefined, [`X: ${'a'.repeat(65_536)}`]],
  // the answer is lost with the connection: more is on the way than anybody takes in
  'a head of 10 MiB': [undefined, undefined, [`X: ${'a'.repeat(10_485_760)}`]],
  'a header name of 17 KiB': [431, undefined, [`${'a'.repeat(17_000)}: x`]],
  'a cookie of 17 KiB': [431, undefined, [`Cookie: ${'a=b; '.repeat(3400)}`]],
  'a hundred cookie lines': [431, 'too-many-headers', lines(100, 'Cookie: a=b')],
  'a header line too many': [431, 'too-many-headers', lines(99, 'a:b')],
  '2,000 header lines': [431, 'too-many-headers', lines(2000, 'a:b')],
  '2,000 header lines before the proof': [
    431,
    'too-many-headers',
    [...lines(2000, 'a:b'), `Authorization: ${AUTHORIZATION}`],
  ],
  '20,000 header lines': [431, undefined, lines(20_000, 'a:b')],
  '20,000 empty header lines with names of their own': [
    431,
    undefined,
    Array.from({ length: 20_000 }, (_, i) => `${i}:`),
  ],
  'a path of 8193 characters': [414, 'path-too-long', [], `/${'a'.repeat(8192)}`],
  'a path of 8193 slashes': [414, 'path-too-long', [], '/'.repeat(8193)],
  'a query of 9000 escapes': [431, undefined, [], `/?${'%41'.repeat(9000)}`],
  'a query of 3000 escapes': [414, 'path-too-long', [], `/?${'%41'.repeat(3000)}`],
  'a path of 20,000 characters': [431, undefined, [], `/${'a'.repeat(20_000)}`],
  'a host of 10,000 characters': [400, 'header-repeated', [`Host: ${'a'.repeat(10_000)}`]],
}

for (const [what, [status, reason, more, rest = '/x']] of Object.entries(REFUSED))
  test(`${what} is refused, and nothing arrives`, async (t) => {
    const id = `big${count++}.`
    const { open, upstream, serves, reasonOf } = target()
    const client = await open(t, head(`/public/${id}${rest}`, more))
    await client.closed()
    t.deepEqual(
      client.statuses().filter((one) => status !== undefined || one !== 431),
      status === undefined ? [] : [status],
    )
    t.is(await reasonOf(client.received()), reason)
    await serves()
    t.deepEqual(upstream.of(id), [])
  })

test('what is just within the limits arrives whole', async (t) => {
  const { open, upstream } = target()
  const value = 'a'.repeat(15_000)
  for (const [path, more] of [
    ['/public/whole-line', [`X-Long: ${value}`]],
    ['/public/whole-cookie', [`Cookie: ${value}`]],
    ['/public/whole-count', lines(98, 'X-Many: b')],
    [`/public/${'a'.repeat(8000)}?whole-path`, []],
  ] as const) {
    const client = await open(t, head(path, more))
    await client.closed()
    t.deepEqual(client.statuses(), [200], path.slice(0, 30))
    const [arrived] = upstream.of(path)
    t.is(arrived?.values('x-long').join() || value, value)
    t.is(arrived?.values('cookie').join() || value, value)
    t.is(arrived?.values('x-many').length, more.length === 98 ? 98 : 0)
  }
})

test('trailers of a megabyte are refused', async (t) => {
  const { open, upstream, serves } = target()
  const start =
    'POST /public/trailers HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n'
  const client = await open(t, `${start}A: ${'b'.repeat(1_048_576)}\r\n\r\n`)
  await client.closed()
  t.true(client.statuses().every((status) => status === 431 || status === 413))
  await serves()
  t.deepEqual(upstream.of('/public/trailers'), [])
})

for (const [what, body] of [
  ['a megabyte', `grant_type=${'a'.repeat(1_048_576)}`],
  ['10,000 fields', 'a=b&'.repeat(10_000)],
  ['a secret of 60 KiB', `client_id=batch&client_secret=${'a'.repeat(61_440)}`],
  ['names of Object.prototype', '__proto__=a&constructor=b&hasOwnProperty=c&toString=d'],
] as const)
  test(`a form of ${what} is refused at the token endpoint`, async (t) => {
    const headers = { 'content-type': 'application/x-www-form-urlencoded' }
    const { send, serves } = target()
    const answer = await send({ method: 'POST', path: '/connect/token', headers, body })
    t.true([400, 401, 413].includes(answer.status), `${answer.status}`)
    await serves()
  })

const NAMES = [
  '__proto__',
  'constructor',
  'hasOwnProperty',
  'toString',
  'valueOf',
  '__defineGetter__',
]

for (const name of NAMES)
  test(`${name} is a header like any other, and no client`, async (t) => {
    const { send, upstream, serves } = target()
    const path = `/public/named-${name}`
    // not through an object: it would lose one of them
    const client = await target().open(t, head(path, [`${name}: one`, `${name}: two`]))
    await client.closed()
    t.deepEqual(client.statuses(), [200])
    const [arrived] = upstream.of(path)
    t.deepEqual(arrived?.values(name.toLowerCase()), ['one', 'two'])
    const headers = { authorization: basic(name, name) }
    t.is((await send({ path: '/orders', headers })).status, 401)
    t.is(
      (await send({ path: '/connect/token', form: { client_id: name, [name]: name } })).status,
      401,
    )
    await serves()
  })

const status = (pid: number | undefined): number =>
  Number(/VmRSS:\s+(\d+)/.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

const onLinux = process.platform === 'linux' ? test.serial : test.serial.skip

onLinux(
  'hundreds of megabytes that are refused or thrown away leave no memory behind',
  async (t) => {
    const { child, open, serves } = target()
    const rubbish = Buffer.alloc(4_194_304, 'a')
    const round = async () => {
      for (const start of [
        'GET /public/x HTTP/1.1\r\nHost: a\r\nX: ',
        'POST /public/x HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5;',
        'POST /orders HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n',
        'POST /connect/token HTTP/1.1\r\nHost: a\r\nContent-Length: 4194304\r\n\r\n',
        'GET /',
        'a',
      ]) {
        const client = await open(t, Buffer.concat([Buffer.from(start), rubbish]))
        await client.closed()
      }
      await serves()
    }
    await round()
    const before = status(child.pid)
    for (let i = 0; i < 10; i++) await round()
    const after = status(child.pid)
    t.true(after - before < 64, `${before} MB, then ${after} MB`)
  },
)
