import { isIP } from 'node:net'

import test from 'ava'
import fc from 'fast-check'

import { forwardedHeaders, headerRules } from '../../src/gateway/forwarded-headers.ts'
import { ownedNames } from '../../src/gateway/owned-names.ts'

type Rules = Parameters<typeof headerRules>[2]

const PEER = '10.0.0.1'
const HOST = ['Host', 'inner.example:8443']

/** What the upstream is told of the way, or why the request is refused. */
function told(lines: readonly string[], rules: Rules, remoteAddress = PEER): readonly string[] {
  const made = forwardedHeaders(
    [...HOST, ...lines],
    headerRules(ownedNames([]), 100, { ...TRUSTING, ...rules }),
    { remoteAddress, scheme: 'https', httpVersion: '1.1' },
  )
  if (!made.ok) return [`${made.status} ${made.reason}`]
  return made.headers.slice(2)
}

const TRUSTING = {
  proxies: ['10.0.0.0/8', 'fd00::/8'],
  headers: 'x-forwarded',
  write: 'x-forwarded',
} as const satisfies Rules
const RFC7239 = { ...TRUSTING, headers: 'forwarded' } as const

const OWN = ['x-forwarded-proto', 'https', 'x-forwarded-host', 'inner.example:8443']

for (const [what, said, expected] of [
  ['one hop', '192.0.2.7', '192.0.2.7, 10.0.0.1'],
  ['a proxy of ours between', '192.0.2.7, 10.1.2.3', '192.0.2.7, 10.1.2.3, 10.0.0.1'],
  ['what the caller itself says', '1.1.1.1, 192.0.2.7', '192.0.2.7, 10.0.0.1'],
  ['its forged proxy of ours', '10.9.9.9, 192.0.2.7', '192.0.2.7, 10.0.0.1'],
  ['only proxies of ours', '10.0.0.9, 10.0.0.8', '10.0.0.9, 10.0.0.8, 10.0.0.1'],
  ['IPv6', '2001:DB8::1', '2001:db8::1, 10.0.0.1'],
  ['ports', '192.0.2.7:4711, [fd00::1]:80', '192.0.2.7, fd00::1, 10.0.0.1'],
  ['an IPv4 address in IPv6', '::ffff:192.0.2.7', '192.0.2.7, 10.0.0.1'],
] as const) {
  test(`of X-Forwarded-For with ${what} the upstream is told from the caller on`, (t) => {
    t.deepEqual(told(['X-Forwarded-For', said], TRUSTING), ['x-forwarded-for', expected, ...OWN])
  })
}

for (const [what, lines] of [
  ['no address', ['X-Forwarded-For', 'unknown']],
  ['a name', ['X-Forwarded-For', 'proxy.example']],
  ['an empty element', ['X-Forwarded-For', '192.0.2.7,,192.0.2.8']],
  ['nothing', ['X-Forwarded-For', '']],
  ['a zone', ['X-Forwarded-For', 'fe80::1%eth0']],
  ['an octet too many', ['X-Forwarded-For', '192.0.2.7.1']],
  ['a leading zero', ['X-Forwarded-For', '192.0.2.07']],
  ['blanks within', ['X-Forwarded-For', '192.0.2.7 192.0.2.8']],
  ['21 hops', ['X-Forwarded-For', Array(21).fill('192.0.2.7').join(', ')]],
  ['a lot of blanks', ['X-Forwarded-For', `192.0.2.7${' '.repeat(3000)}`]],
  ['two schemes', ['X-Forwarded-Proto', 'https', 'X-Forwarded-Proto', 'http']],
  ['a list of schemes', ['X-Forwarded-Proto', 'https, http']],
  ['an unknown scheme', ['X-Forwarded-Proto', 'javascript']],
  ['two hosts', ['X-Forwarded-Host', 'a.example', 'X-Forwarded-Host', 'b.example']],
  ['no host name', ['X-Forwarded-Host', 'a.example/path']],
  ['a host with a quote', ['X-Forwarded-Host', 'a"; for=1.2.3.4']],
] as const) {
  test(`X-Forwarded-* of a trusted proxy with ${what} is refused`, (t) => {
    t.deepEqual(told(lines, TRUSTING), ['400 forwarded-malformed'])
    const before = told(lines, TRUSTING, '192.0.2.99')
    t.deepEqual(before, ['x-forwarded-for', '192.0.2.99', ...OWN], 'from anybody else: dropped')
  })
}

test('scheme and host are taken over from a trusted proxy, and the dialect not chosen is dropped', (t) => {
  const lines = [
    'x-forwarded-for',
    '192.0.2.7',
    'X-Forwarded-Proto',
    'HTTP',
    'X-Forwarded-Host',
    'shop.example',
    'Forwarded',
    'for=1.1.1.1;host=evil.example',
    'X-Forwarded-Port',
    '1',
    'X-Forwarded-Prefix',
    '/evil',
    'x_forwarded_for',
    '1.1.1.1',
  ]
  t.deepEqual(told(lines, TRUSTING), [
    'x-forwarded-for',
    '192.0.2.7, 10.0.0.1',
    'x-forwarded-proto',
    'http',
    'x-forwarded-host',
    'shop.example',
  ])
  t.deepEqual(told(lines, RFC7239), [
    'x-forwarded-for',
    '1.1.1.1, 10.0.0.1',
    'x-forwarded-proto',
    'https',
    'x-forwarded-host',
    'evil.example',
  ])
})

for (const [what, said, expected] of [
  [
    'one hop',
    'for=192.0.2.7;proto=http;host=shop.example',
    ['192.0.2.7, 10.0.0.1', 'http', 'shop.example'],
  ],
  [
    'quoted strings, blanks, capitals and what we do not know',
    'FOR="[2001:DB8::1]:80" ; Proto="https";by=_x;ext="a\\"b,;c" , for=10.0.0.7',
    ['2001:db8::1, 10.0.0.7, 10.0.0.1', 'https', 'inner.example:8443'],
  ],
  [
    'quoted pairs',
    String.raw`for="192.0.2\.7";host="sh\op.example"`,
    ['192.0.2.7, 10.0.0.1', 'https', 'shop.example'],
  ],
  [
    'what the caller itself says',
    'for=1.1.1.1;host=evil.example;proto=http, for=192.0.2.7;host="shop.example:8443"',
    ['192.0.2.7, 10.0.0.1', 'https', 'shop.example:8443'],
  ],
] as const) {
  test(`of Forwarded with ${what} the upstream is told from the caller on`, (t) => {
    const [hops, proto, host] = expected
    t.deepEqual(told(['Forwarded', said, 'X-Forwarded-For', '1.1.1.1'], RFC7239), [
      'x-forwarded-for',
      hops,
      'x-forwarded-proto',
      proto,
      'x-forwarded-host',
      host,
    ])
  })
}

for (const said of [
  'for=unknown',
  'for=_hidden',
  'for=192.0.2.7;for=192.0.2.8',
  'proto=https',
  'for=192.0.2.7;',
  'for=192.0.2.7,',
  ',for=192.0.2.7',
  '',
  'for',
  'for=',
  'for= 192.0.2.7',
  'for=192.0.2.7 proto=http',
  'for="192.0.2.7',
  'for="192.0.2.7\\"',
  'for=[2001:db8::1]',
  'for=192.0.2.7:80',
  'for=192.0.2.7;host="a b"',
  'for=192.0.2.7;host="a\\", for=1.1.1.1"',
  'for=192.0.2.7;proto=ftp',
  `for=192.0.2.7;x="${'a'.repeat(2048)}"`,
]) {
  test(`Forwarded: ${said.slice(0, 50)} of a trusted proxy is refused`, (t) => {
    t.deepEqual(told(['Forwarded', said], RFC7239), ['400 forwarded-malformed'])
    t.deepEqual(told(['Forwarded', said], TRUSTING), ['x-forwarded-for', PEER, ...OWN])
  })
}

for (const [write, lines, expected] of [
  ['forwarded', [], ['forwarded', 'for=10.0.0.1;host="inner.example:8443";proto=https']],
  [
    'both',
    ['X-Forwarded-For', '2001:db8::1, 10.0.0.7', 'X-Forwarded-Proto', 'http'],
    [
      'x-forwarded-for',
      '2001:db8::1, 10.0.0.7, 10.0.0.1',
      'x-forwarded-proto',
      'http',
      'x-forwarded-host',
      'inner.example:8443',
      'forwarded',
      'for="[2001:db8::1]";proto=http, for=10.0.0.7, for=10.0.0.1;host="inner.example:8443";proto=https',
    ],
  ],
] as const) {
  test(`the upstream may be told in the words of RFC 7239: ${write}`, (t) => {
    t.deepEqual(told(lines, { ...TRUSTING, write }), expected)
  })
}

test('Connection cannot take out what is said of the way', (t) => {
  const lines = ['Connection', 'close, x-forwarded-for, forwarded, x-forwarded-proto']
  t.deepEqual(told(lines, { ...TRUSTING, write: 'both' }), [
    'x-forwarded-for',
    PEER,
    ...OWN,
    'forwarded',
    'for=10.0.0.1;host="inner.example:8443";proto=https',
  ])
})

const v4 = fc.ipV4().filter((text) => !text.startsWith('10.'))
const v6 = fc
  .ipV6()
  .filter((text) => isIP(text) === 6 && !/^(fd|::ffff:)/i.test(text) && !text.includes('.'))
const port = fc.integer({ min: 1, max: 65_535 })
const ours = fc.integer({ min: 2, max: 250 }).map((last) => `10.0.0.${last}`)

/** An address, and the ways to write it. */
const hop = fc.oneof(
  v4.chain((address) => written(address, false, [address, `${address}:80`])),
  v6.chain((address) => written(address, false, [address, `[${address}]`, `[${address}]:4711`])),
  fc
    .tuple(ours, port)
    .chain(([address, at]) => written(address, true, [address, `${address}:${at}`])),
)
function written(address: string, isOurs: boolean, texts: readonly string[]) {
  return fc.record({
    address: fc.constant(address.toLowerCase()),
    isOurs: fc.constant(isOurs),
    text: fc.constantFrom(...texts),
  })
}
const blanks = fc.constantFrom('', ' ', '\t', '  ')

test('the way is what an oracle makes of the hops, however they are written and spread over lines', (t) => {
  const hops = fc.array(fc.tuple(hop, blanks, blanks, fc.boolean()), {
    minLength: 1,
    maxLength: 20,
  })
  fc.assert(
    fc.property(hops, (chain) => {
      const lines: string[] = []
      for (const [{ text }, left, right, isNewLine] of chain) {
        const element = `${left}${text}${right}`
        if (isNewLine || lines.length === 0) lines.push(element)
        else lines.push(`${lines.pop() ?? ''},${element}`)
      }
      // The oracle walks from the right, and stops at the first that is not ours.
      const expected: string[] = [PEER]
      for (const [{ address, isOurs }] of chain.toReversed()) {
        expected.unshift(address)
        if (!isOurs) break
      }
      const said = lines.flatMap((line) => ['x-forwarded-for', line])
      t.deepEqual(told(said, TRUSTING), ['x-forwarded-for', expected.join(', '), ...OWN])
      const forwarded = chain.map(
        ([{ text, address }]) =>
          `for="${text.includes('[') || !address.includes(':') ? text : `[${text}]`}"`,
      )
      t.deepEqual(told(['forwarded', forwarded.join(', ')], RFC7239), [
        'x-forwarded-for',
        expected.join(', '),
        ...OWN,
      ])
    }),
    { numRuns: 300 },
  )
})

test('whatever is said, the upstream is told addresses and hosts that are sound, or nothing', (t) => {
  const pieces = fc.constantFrom(
    'for=',
    '"',
    '\\',
    ';',
    ',',
    ' ',
    '\t',
    '192.0.2.7',
    '[::1]',
    ':80',
    'proto=http',
    'host=',
    'a.example',
    '_x',
    '%',
    '=',
    '10.0.0.9',
    '::ffff:1.2.3.4',
    'by=',
    '.',
    ':',
  )
  const junk = fc.oneof(
    fc.array(pieces, { maxLength: 12 }).map((all) => all.join('')),
    fc.string(),
  )
  const hops = hop.map(({ text }) => text)
  const elements = hop.map(({ text }) => `for="${text}";proto=http`)
  const names = fc.constantFrom('X-Forwarded-For', 'X-Forwarded-Host', 'X-Forwarded-Proto')
  const line = fc.oneof(
    hops.map((text) => ['X-Forwarded-For', text]),
    elements.map((text) => ['Forwarded', text]),
    fc.tuple(names, junk),
    fc.tuple(fc.constant('Forwarded'), junk),
  )
  let sound = 0
  fc.assert(
    fc.property(fc.array(line, { maxLength: 3 }), (said) => {
      const lines = said.flat()
      for (const rules of [TRUSTING, RFC7239]) {
        const [name, way = '', ...rest] = told(lines, { ...rules, write: 'both' })
        if (name?.startsWith('400')) continue
        sound++
        t.true(
          way.split(', ').every((address) => isIP(address) !== 0),
          way,
        )
        t.is(way.split(', ').at(-1), PEER)
        t.regex(rest[1] ?? '', /^https?$/)
        t.regex(rest[3] ?? '', /^[\w.:[\]-]+$/)
        t.regex(
          rest[5] ?? '',
          /^(for=("\[[0-9a-f:.]+\]"|[\d.]+)(;host="[\w.:[\]-]+")?(;proto=https?)?(, |$))+$/,
        )
      }
    }),
    { numRuns: 2000 },
  )
  t.true(sound > 500, `${sound} of them passed`)
})
