import test from 'ava'
import * as fc from 'fast-check'

import type { AuthRequest, Malformed, Parser, RelayedConnection } from '#contract'

import plugin from '../../../plugins/parsers/forwarded-client-certificate/index.ts'
import { aHost, aPeer, aRequest, RFC8705_CERTIFICATE } from '../../contract/build.ts'
import { parserContract } from '../../contract/parser.ts'
import { setUp } from '../../contract/set-up.ts'

const PEER = aPeer()
const BASE64 = RFC8705_CERTIFICATE.replaceAll('\n', '')
const PEM = `-----BEGIN CERTIFICATE-----\n${RFC8705_CERTIFICATE}\n-----END CERTIFICATE-----\n`
const ESCAPED = encodeURIComponent(PEM)
const PROXY = '10.1.2.3'
const PROXIES = ['10.0.0.0/8', '192.0.2.7', 'fd00::/8']

type Said = RelayedConnection | Malformed | undefined

function ask(parser: Parser, headers: AuthRequest['headers'], from = PROXY): Said {
  return parser.behindProxy?.(aRequest({ remoteAddress: from, headers }))
}

function thumbprintOf(said: Said): string | undefined {
  return said && 'peer' in said ? said.peer?.thumbprintSha256 : undefined
}

parserContract(test, 'behind a proxy', () => setUp(plugin, { proxies: PROXIES }))

const FORMS = {
  rfc9440: [{ format: 'rfc9440' }, { 'client-cert': `:${BASE64}:` }],
  'rfc9440 by default': [{}, { 'client-cert': `:${BASE64}:` }],
  'rfc9440 with a chain': [
    { format: 'rfc9440' },
    { 'client-cert': `:${BASE64}:`, 'client-cert-chain': `:${BASE64}:, :${BASE64}:` },
  ],
  'xfcc with all that Envoy can say': [
    { format: 'xfcc' },
    {
      'x-forwarded-client-cert': `By=spiffe://a/b;Hash=00;Cert="${ESCAPED}";Chain="${ESCAPED}${ESCAPED}";Subject="CN=\\"a\\",O=b;c";URI=;DNS=a;DNS=b`,
    },
  ],
  'xfcc with the certificate only': [
    { format: 'xfcc' },
    { 'x-forwarded-client-cert': `cert=${ESCAPED}` },
  ],
  'pem of nginx': [{ format: 'pem' }, { 'ssl-client-cert': ESCAPED }],
  'pem under another name': [
    { format: 'pem', header: 'X-SSL-Client-Cert' },
    { 'x-ssl-client-cert': ESCAPED },
  ],
  'pem with a chain': [{ format: 'pem' }, { 'ssl-client-cert': ESCAPED + ESCAPED }],
  'der of Traefik': [{ format: 'der' }, { 'x-forwarded-tls-client-cert': BASE64 }],
  'der with a chain': [{ format: 'der' }, { 'x-forwarded-tls-client-cert': `${BASE64},${BASE64}` }],
  'der in percent-encoding': [
    { format: 'der' },
    { 'x-forwarded-tls-client-cert': encodeURIComponent(BASE64) },
  ],
} as const

for (const [name, [options, headers]] of Object.entries(FORMS))
  test(`a certificate is read from ${name}`, async (t) => {
    const parser = await setUp(plugin, { proxies: PROXIES, ...options })
    t.is(thumbprintOf(ask(parser, headers)), PEER.thumbprintSha256)
  })

test('what came along is handed on with the certificate', async (t) => {
  const seen: number[] = []
  const { certificates } = aHost()
  const host = aHost({
    certificates: {
      read(der, chain = []) {
        seen.push(chain.length)
        return certificates.read(der, chain)
      },
    },
  })
  const options = { proxies: PROXIES, format: 'der' }
  const parser = await setUp(plugin, options, host)
  const header = 'x-forwarded-tls-client-cert'
  ask(parser, { [header]: BASE64 })
  ask(parser, { [header]: `${BASE64},${BASE64},${BASE64}` })
  ask(parser, { [header]: BASE64 })
  t.deepEqual(seen, [0, 2])
})

test('the same header is the same certificate', async (t) => {
  const parser = await setUp(plugin, { proxies: PROXIES })
  const headers = { 'client-cert': `:${BASE64}:` }
  t.is(ask(parser, headers), ask(parser, { ...headers }))
})

for (const headers of [{}, { 'client-cert': '' }, { 'client-cert-chain': `:${BASE64}:` }] as const)
  test(`${JSON.stringify(Object.keys(headers))} from a proxy is a client without a certificate`, async (t) => {
    const parser = await setUp(plugin, { proxies: PROXIES })
    t.deepEqual(ask(parser, headers), {})
  })

const BROKEN: readonly (readonly [format: string, header: string, value: string])[] = [
  ['rfc9440', 'client-cert', BASE64],
  ['rfc9440', 'client-cert', `:${BASE64}`],
  ['rfc9440', 'client-cert', '::'],
  ['rfc9440', 'client-cert', `:${BASE64}:, :${BASE64}:`],
  ['rfc9440', 'client-cert', `:${BASE64}:;x=1`],
  ['rfc9440', 'client-cert', `:${BASE64.slice(8)}:`],
  ['rfc9440', 'client-cert', `:${Buffer.from(PEM).toString('base64')}:`],
  ['rfc9440', 'client-cert', `:${Buffer.concat([PEER.raw, Buffer.from('x')]).toString('base64')}:`],
  ['rfc9440', 'client-cert', `:${'A'.repeat(12_000)}:`],
  ['xfcc', 'x-forwarded-client-cert', `Hash=${PEER.thumbprintSha256}`],
  ['xfcc', 'x-forwarded-client-cert', `Cert="${ESCAPED}",Hash=00`],
  ['xfcc', 'x-forwarded-client-cert', `Hash=00,Cert="${ESCAPED}"`],
  ['xfcc', 'x-forwarded-client-cert', `Cert="${ESCAPED}";Cert="${ESCAPED}"`],
  ['xfcc', 'x-forwarded-client-cert', `Cert="${ESCAPED}`],
  ['xfcc', 'x-forwarded-client-cert', `Cert="${PEM.replaceAll('\n', ' ')}"`],
  ['xfcc', 'x-forwarded-client-cert', `Cert="${ESCAPED}";Chain="nothing"`],
  ['xfcc', 'x-forwarded-client-cert', ESCAPED],
  ['pem', 'ssl-client-cert', PEM.replaceAll('\n', ' ')],
  ['pem', 'ssl-client-cert', `${ESCAPED}%`],
  ['pem', 'ssl-client-cert', `${ESCAPED}, ${ESCAPED}`],
  ['pem', 'ssl-client-cert', `x${ESCAPED}`],
  ['pem', 'ssl-client-cert', `${ESCAPED}x`],
  ['pem', 'ssl-client-cert', ESCAPED.replaceAll('CERTIFICATE', 'PRIVATE%20KEY')],
  ['pem', 'ssl-client-cert', ESCAPED.replace('MIIB', 'MI!B')],
  ['der', 'x-forwarded-tls-client-cert', `${BASE64}, ${BASE64}`],
  ['der', 'x-forwarded-tls-client-cert', `${BASE64},`],
  ['der', 'x-forwarded-tls-client-cert', ESCAPED],
  ['der', 'x-forwarded-tls-client-cert', Array.from({ length: 12 }, () => BASE64).join(',')],
]

for (const [index, [format, header, value]] of BROKEN.entries())
  test(`${format}: ${index}: ${value.slice(0, 30)} of ${value.length} characters is refused`, async (t) => {
    const parser = await setUp(plugin, { proxies: PROXIES, format })
    const said = ask(parser, { [header]: value })
    t.like(said, { malformed: 'forwarded-certificate-malformed' })
    t.true(JSON.stringify(said).length < 300)
  })

for (const from of ['10.1.2.3', '::ffff:10.1.2.3', '192.0.2.7', 'fd00::1', 'fd00::1%eth0'])
  test(`${from} is a proxy`, async (t) => {
    const parser = await setUp(plugin, { proxies: PROXIES })
    t.not(ask(parser, { 'client-cert': `:${BASE64}:` }, from), undefined)
  })

for (const from of ['11.0.0.1', '192.0.2.8', '::1', '::ffff:11.1.2.3', 'fe80::1'])
  test(`${from} is not, so what it says is not looked at`, async (t) => {
    const parser = await setUp(plugin, { proxies: PROXIES })
    for (const value of [`:${BASE64}:`, 'broken', ''])
      t.is(ask(parser, { 'client-cert': value }, from), undefined)
  })

test('a connection without an address is no proxy’s', async (t) => {
  const parser = await setUp(plugin, { proxies: PROXIES })
  t.is(parser.behindProxy?.(aRequest({ headers: { 'client-cert': `:${BASE64}:` } })), undefined)
})

test('a proxy may be known by its certificate, or has to be by both', async (t) => {
  const colons = PEER.thumbprintSha256.toLowerCase().replaceAll(/..(?=.)/g, '$&:')
  const request = (more: Partial<AuthRequest>) => aRequest({ headers: {}, ...more })
  const stranger = aPeer({ thumbprintSha256: 'F'.repeat(64) })
  const byOne = await setUp(plugin, { certificates: [colons] })
  t.deepEqual(byOne.behindProxy?.(request({ peer: PEER })), {})
  t.is(byOne.behindProxy?.(request({ peer: stranger })), undefined)
  t.is(byOne.behindProxy?.(request({ remoteAddress: PROXY })), undefined)
  const byBoth = await setUp(plugin, { certificates: [colons], proxies: PROXIES })
  t.deepEqual(byBoth.behindProxy?.(request({ peer: PEER, remoteAddress: PROXY })), {})
  t.is(byBoth.behindProxy?.(request({ peer: PEER, remoteAddress: '11.0.0.1' })), undefined)
  t.is(byBoth.behindProxy?.(request({ peer: stranger, remoteAddress: PROXY })), undefined)
})

test('without proxies it reads nothing, and the names stay private', async (t) => {
  const parser = await setUp(plugin)
  t.is(parser.behindProxy, undefined)
  t.is(parser.parse(aRequest({ headers: { 'client-cert': `:${BASE64}:` } })), undefined)
  t.true(parser.privateHeaders?.includes('Client-Cert'))
  t.true(parser.privateHeaders?.includes('X-Forwarded-Client-Cert'))
})

test('a header of the operator’s choice is private too', async (t) => {
  const parser = await setUp(plugin, { proxies: PROXIES, header: 'X-My-Cert' })
  t.true(parser.privateHeaders?.includes('X-My-Cert'))
  t.is(thumbprintOf(ask(parser, { 'x-my-cert': `:${BASE64}:` })), PEER.thumbprintSha256)
  t.deepEqual(ask(parser, { 'client-cert': `:${BASE64}:` }), {})
})

test('only the one header of the one format is read', async (t) => {
  const all = Object.values(FORMS).map(([, headers]) => headers)
  for (const [options, own] of Object.values(FORMS)) {
    const parser = await setUp(plugin, { proxies: PROXIES, ...options })
    for (const headers of all) {
      const others = Object.entries(headers).filter(([name]) => !(name in own))
      t.deepEqual(ask(parser, Object.fromEntries(others)), {})
    }
  }
})

for (const options of [
  { proxies: [] },
  { proxies: ['10.0.0.0/0'] },
  { proxies: ['::/0'] },
  { proxies: ['10.0.0.0/33'] },
  { proxies: ['10.0.0.0/8/8'] },
  { proxies: ['10.0.0'] },
  { proxies: ['proxy.example'] },
  { proxies: ['10.0.0.0/'] },
  { certificates: ['00'] },
  { certificates: [] },
  { format: 'xfcc' },
  { header: 'X-My-Cert' },
  { proxies: PROXIES, format: 'nginx' },
  { proxies: PROXIES, header: 'X My Cert' },
])
  test(`the options ${JSON.stringify(options)} are refused`, async (t) => {
    await t.throwsAsync(setUp(plugin, options))
  })

test('whatever a proxy says, the answer has the agreed form', async (t) => {
  const part = fc.constantFrom(BASE64, ESCAPED, PEM, 'Cert=', '"', ';', ',', ':', '%', '=', ' ')
  const value = fc.array(fc.oneof(part, fc.string()), { maxLength: 6 }).map((all) => all.join(''))
  const parsers = await Promise.all(
    (['rfc9440', 'xfcc', 'pem', 'der'] as const).map((format) =>
      setUp(plugin, { proxies: PROXIES, format, header: 'X-Cert' }),
    ),
  )
  const property = fc.property(value, value, (one, other) => {
    for (const parser of parsers) {
      const said = ask(parser, { 'x-cert': one, 'client-cert-chain': other })
      if (said === undefined) throw new Error('a proxy that is not known')
      if ('malformed' in said) t.is(said.malformed, 'forwarded-certificate-malformed')
      else t.true(said.peer === undefined ? one === '' : said.peer.raw.length > 0)
    }
  })
  fc.assert(property, { numRuns: 1000 })
})
