import test from 'ava'

import { AUTHORIZATION, sharedTarget } from './support/target.ts'

const target = sharedTarget(test)

/** What a request looks like that must never arrive as one. */
const smuggled = (id: string): string =>
  `GET /public/smuggled-${id} HTTP/1.1\r\nHost: a\r\nX-Client-Id: root\r\n\r\n`

const chunked = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n0\r\n\r\n`

const TE = 'Transfer-Encoding'
const CL = 'Content-Length'

/** Header lines and body of a request, from the request that it tries to smuggle. */
type Attempt = (inner: string) => readonly [lines: readonly string[], body: string]

/** Refused with this status, or with no more than the end; and why: without a reason it was Node's parser. */
const REFUSED: Readonly<
  Record<string, readonly [number | undefined, string | undefined, Attempt]>
> = {
  'length, then coding': [400, undefined, (s) => [[`${CL}: 4`, `${TE}: chunked`], `0\r\n\r\n${s}`]],
  'coding, then length': [400, undefined, (s) => [[`${TE}: chunked`, `${CL}: 4`], `0\r\n\r\n${s}`]],
  'length and coding in odd case': [
    400,
    undefined,
    (s) => [['cOnTeNt-LeNgTh: 4', 'tRaNsFeR-eNcOdInG: ChUnKeD'], `0\r\n\r\n${s}`],
  ],
  'two lengths': [400, undefined, (s) => [[`${CL}: 0`, `${CL}: ${s.length}`], s]],
  'two equal lengths': [400, undefined, (s) => [[`${CL}: ${s.length}`, `${CL}: ${s.length}`], s]],
  'a list of lengths': [400, undefined, (s) => [[`${CL}: 0, ${s.length}`], s]],
  'an octal length': [400, 'content-length-invalid', (s) => [[`${CL}: 0${s.length}`], s]],
  'many zeros before a length': [
    400,
    'content-length-invalid',
    (s) => [[`${CL}: ${'0'.repeat(30)}${s.length}`], s],
  ],
  'a signed length': [400, undefined, (s) => [[`${CL}: +${s.length}`], s]],
  'a negative length': [400, undefined, (s) => [[`${CL}: -1`], s]],
  'a hexadecimal length': [400, undefined, (s) => [[`${CL}: 0x10`], s]],
  'a length with a fraction': [400, undefined, (s) => [[`${CL}: 1.0`], s]],
  'a length with an exponent': [400, undefined, (s) => [[`${CL}: 1e1`], s]],
  'a length with a blank in it': [400, undefined, (s) => [[`${CL}: 1 0`], s]],
  'an empty length': [400, undefined, (s) => [[`${CL}: `], s]],
  'a length beyond 64 bits': [400, undefined, (s) => [[`${CL}: 18446744073709551616`], s]],
  'a length beyond what a number holds': [
    400,
    'content-length-invalid',
    (s) => [[`${CL}: 9007199254740993000`], s],
  ],
  'a length with a blank before the colon': [400, undefined, (s) => [[`${CL} : 0`], s]],
  'a length with a tab before the colon': [400, undefined, (s) => [[`${CL}\t: 0`], s]],
  'a length with a vertical tab': [400, undefined, (s) => [[`${CL}: \u000b0`], s]],
  'an underscored length': [400, 'header-name-disguised', (s) => [['Content_Length: 9'], s]],
  'a dotted length': [400, 'header-name-disguised', (s) => [['Content.Length: 9'], s]],
  'a folded length': [400, undefined, (s) => [['X: y', ` ${CL}: ${s.length}`], s]],
  'a folded coding': [400, undefined, (s) => [['X: y', `\t${TE}: chunked`], chunked(s)]],
  'a coding whose value is folded': [400, undefined, (s) => [[`${TE}:`, ' chunked'], chunked(s)]],
  'a coding with a blank before the colon': [
    400,
    undefined,
    (s) => [[`${TE} : chunked`], chunked(s)],
  ],
  'an underscored coding': [
    400,
    'header-name-disguised',
    (s) => [['Transfer_Encoding: chunked'], chunked(s)],
  ],
  'a coding behind a NUL': [400, undefined, (s) => [[`${TE}\u0000: chunked`], chunked(s)]],
  'a comma before the coding': [
    501,
    'transfer-encoding-unsupported',
    (s) => [[`${TE}: ,chunked`], chunked(s)],
  ],
  'a comma behind the coding': [400, undefined, (s) => [[`${TE}: chunked,`], chunked(s)]],
  'a coding with a parameter': [undefined, undefined, (s) => [[`${TE}: chunked;q=1`], chunked(s)]],
  'a coding in quotes': [undefined, undefined, (s) => [[`${TE}: "chunked"`], chunked(s)]],
  'a coding that begins like one': [undefined, undefined, (s) => [[`${TE}: xchunked`], chunked(s)]],
  'a coding that ends like one': [undefined, undefined, (s) => [[`${TE}: chunkedx`], chunked(s)]],
  'an unknown coding': [undefined, undefined, (s) => [[`${TE}: identity`], chunked(s)]],
  'an empty coding': [400, undefined, (s) => [[`${TE}:`], chunked(s)]],
  'two codings in a line': [
    501,
    'transfer-encoding-unsupported',
    (s) => [[`${TE}: gzip, chunked`], chunked(s)],
  ],
  'chunked twice in a line': [400, undefined, (s) => [[`${TE}: chunked, chunked`], chunked(s)]],
  'chunked before another coding': [400, undefined, (s) => [[`${TE}: chunked, gzip`], chunked(s)]],
  'two codings in two lines': [
    400,
    undefined,
    (s) => [[`${TE}: chunked`, `${TE}: identity`], chunked(s)],
  ],
  'chunked in two lines': [
    400,
    undefined,
    (s) => [[`${TE}: chunked`, `${TE}: chunked`], chunked(s)],
  ],
  'Connection names the length': [
    400,
    'connection-names-protected-header',
    (s) => [['Connection: content-length', `${CL}: ${s.length}`], s],
  ],
  'Connection names the coding, in another case and line': [
    400,
    'connection-names-protected-header',
    (s) => [
      ['Connection: keep-alive', 'connection: TRANSFER-encoding', `${TE}: chunked`],
      chunked(s),
    ],
  ],
  'Connection names the host': [
    400,
    'connection-names-protected-header',
    () => [['Connection: close ,\thost'], ''],
  ],
  'a bare CR in a value': [400, undefined, () => [['A: b\rX-Client-Id: root'], '']],
  'a bare LF in a value': [400, undefined, () => [['A: b\nX-Client-Id: root'], '']],
  'a bare CR for the end of the head': [400, undefined, (s) => [['A: b\r\n\rX: y'], s]],
  'a NUL in a value': [400, undefined, () => [['A: b\u0000c'], '']],
  'a name without a colon': [400, undefined, () => [['X-Client-Id'], '']],
  'a line without a name': [400, undefined, () => [[': root'], '']],
  'a name with a colon before it': [400, undefined, () => [[':X-Client-Id: root'], '']],
  'a name that is not ASCII': [400, undefined, () => [['X-Cli\u00ebnt-Id: root'], '']],
  'a chunk without a size': [400, undefined, (s) => [[`${TE}: chunked`], `\r\n${s}`]],
  'a chunk size with a sign': [400, undefined, (s) => [[`${TE}: chunked`], `+5\r\nhello\r\n${s}`]],
  'a chunk size with a prefix': [
    400,
    undefined,
    (s) => [[`${TE}: chunked`], `0x5\r\nhello\r\n0\r\n\r\n${s}`],
  ],
  'a chunk size behind a blank': [
    400,
    undefined,
    (s) => [[`${TE}: chunked`], ` 5\r\nhello\r\n${s}`],
  ],
  'a chunk size before a blank': [
    400,
    undefined,
    (s) => [[`${TE}: chunked`], `5 \r\nhello\r\n${s}`],
  ],
  'a chunk size beyond 64 bits': [
    400,
    undefined,
    (s) => [[`${TE}: chunked`], `10000000000000005\r\nhello\r\n0\r\n\r\n${s}`],
  ],
  'a chunk size that ends with LF': [
    400,
    undefined,
    (s) => [[`${TE}: chunked`], `5\nhello\r\n${s}`],
  ],
  'a chunk size that ends with CR': [
    400,
    undefined,
    (s) => [[`${TE}: chunked`], `5\rhello\r\n${s}`],
  ],
  'a chunk that is longer than it says': [
    400,
    undefined,
    (s) => [[`${TE}: chunked`], `5\r\nhello there\r\n0\r\n\r\n${s}`],
  ],
  'a chunk that ends with LF': [
    400,
    undefined,
    (s) => [[`${TE}: chunked`], `5\r\nhello\n0\r\n\r\n${s}`],
  ],
  'a chunk extension with a bare LF': [
    400,
    undefined,
    (s) => [[`${TE}: chunked`], `5;a\nb\r\nhello\r\n0\r\n\r\n${s}`],
  ],
  'a chunk extension with a NUL': [
    400,
    undefined,
    (s) => [[`${TE}: chunked`], `5;a\u0000\r\nhello\r\n0\r\n\r\n${s}`],
  ],
  'chunk extensions of a megabyte': [
    413,
    undefined,
    (s) => [[`${TE}: chunked`], `5;${'a'.repeat(1_048_576)}\r\nhello\r\n0\r\n\r\n${s}`],
  ],
  'a trailer with a bare LF': [
    400,
    undefined,
    (s) => [[`${TE}: chunked`], `0\r\nA: b\nX-Client-Id: root\r\n\r\n${s}`],
  ],
  'a trailer that is folded': [
    400,
    undefined,
    (s) => [[`${TE}: chunked`], `0\r\nA: b\r\n c\r\n\r\n${s}`],
  ],
  'a trailer that frames': [
    400,
    undefined,
    (s) => [[`${TE}: chunked`], `0\r\n${TE}: chunked\r\n\r\n${s}`],
  ],
  'a trailer that gives a length': [
    400,
    undefined,
    (s) => [[`${TE}: chunked`], `0\r\n${CL}: 5\r\n\r\n${s}`],
  ],
}

let count = 0

for (const [what, [status, reason, attempt]] of Object.entries(REFUSED)) {
  for (const [where, path, proof] of [
    ['in the open', '/public/', []],
    ['by who may call', '/orders/', [`Authorization: ${AUTHORIZATION}`]],
  ] as const) {
    test(`${what}, ${where}: nothing arrives, and the connection ends`, async (t) => {
      const id = `no${count++}.`
      const [lines, body] = attempt(smuggled(id))
      const head = [`POST ${path}${id} HTTP/1.1`, 'Host: a', ...proof, ...lines, '', ''].join(
        '\r\n',
      )
      const { open, reasonOf, serves, upstream } = target()
      const client = await open(t, head + body + smuggled(id))
      await client.closed()
      t.deepEqual(client.statuses(), status === undefined ? [] : [status])
      t.is(await reasonOf(client.received()), reason)
      await serves()
      t.deepEqual(upstream.of(id), [])
      t.deepEqual(upstream.faults, [])
    })
  }
}
