import test from 'ava'

import { checkNetwork, trustedProxies } from '../../src/gateway/trusted-proxies.ts'
import { aPeer } from '../contract/build.ts'
import { prepareConfiguration } from '../support/prepare-configuration.ts'

const PEER = aPeer()

for (const [addresses, inside, outside] of [
  [['10.0.0.0/8'], ['10.0.0.1', '10.255.255.255', '::ffff:10.1.1.1'], ['11.0.0.1', '::1']],
  [['192.0.2.7'], ['192.0.2.7', '::ffff:192.0.2.7'], ['192.0.2.8']],
  [
    ['::1', 'fd00::/8'],
    ['::1', 'fd00::1', 'fdff::1'],
    ['::2', 'fe80::1', '127.0.0.1'],
  ],
  [['fe80::/10'], ['fe80::1', 'fe80::1%eth0'], ['fd00::1', 'fd00::1%eth0']],
] as const)
  test(`${addresses.join(', ')} are these addresses and no others`, (t) => {
    const proxies = trustedProxies({ addresses })
    for (const address of inside) t.true(proxies.has(address, undefined), address)
    for (const address of [...outside, undefined])
      t.false(proxies.has(address, PEER), String(address))
  })

test('a certificate counts by its thumbprint, however that is written', (t) => {
  const colons = PEER.thumbprintSha256.toLowerCase().replaceAll(/..(?=.)/g, '$&:')
  const proxies = trustedProxies({ certificates: [colons] })
  t.true(proxies.has(undefined, PEER))
  t.false(proxies.has('10.0.0.1', undefined))
  t.false(proxies.has('10.0.0.1', aPeer({ thumbprintSha256: '0'.repeat(64) })))
})

test('where both are named both have to fit, where none is nobody does', (t) => {
  const both = trustedProxies({
    addresses: ['10.0.0.1'],
    certificates: [PEER.thumbprintSha256],
  })
  t.true(both.has('10.0.0.1', PEER))
  t.false(both.has('10.0.0.2', PEER))
  t.false(both.has('10.0.0.1', undefined))
  t.false(trustedProxies({}).has('10.0.0.1', PEER))
})

for (const [network, fault] of [
  ['10.0.0.0/8', undefined],
  ['10.0.0.1', undefined],
  ['fd00::/8', undefined],
  ['::1/128', undefined],
  ['10.0.0.0/33', /up to 32/],
  ['::/129', /up to 128/],
  ['10.0.0.0/', /up to 32/],
  ['10.0.0.0/-1', /up to 32/],
  ['0.0.0.0/0', /everybody/],
  ['::/0', /everybody/],
  ['10.0.0.0/00', /everybody/],
  ['10.0.0', /not an IP address/],
  ['10.0.0.0/8/8', /not an IP address/],
  ['proxy.example', /not an IP address/],
  ['', /not an IP address/],
] as const)
  test(`${JSON.stringify(network)} is ${fault ? 'refused' : 'a network'}`, (t) => {
    const found = checkNetwork(network)
    if (fault) t.regex(found ?? '', fault)
    else t.is(found, undefined)
    const make = () => trustedProxies({ addresses: [network] })
    if (fault) t.throws(make, { instanceOf: TypeError })
    else t.notThrows(make)
  })

for (const [verify, fault] of [
  [{ dialect: 'path' }, /names nobody who may ask/],
  [{ proxies: ['10.0.0.0/8'] }, /verify\.dialect/],
  [{ proxies: [], dialect: 'path' }, /verify\.proxies/],
  [{ proxies: ['0.0.0.0/0'], dialect: 'path' }, /would trust everybody/],
  [{ certificates: ['00'], dialect: 'path' }, /64 hexadecimal digits/],
  [{ proxies: ['10.0.0.0/8'], dialect: 'x-any' }, /verify\.dialect/],
  [{ proxies: ['10.0.0.0/8'], dialect: 'path', trust: true }, /trust/],
] as const)
  test(`the setting verify: ${JSON.stringify(verify)} is refused`, async (t) => {
    const { prepared, lines } = await prepareConfiguration(t, { settings: { verify } })
    t.is(prepared, undefined)
    t.true(
      lines.some((line) => line.startsWith('error vouchgate.yaml:') && fault.test(line)),
      lines.join('\n'),
    )
  })

test('a header name that frames the message cannot be a parser’s own', async (t) => {
  const text = `export default { contract: 1, setup: () => ({
    method: 'odd', produces: 'shared_secret', privateHeaders: ['Content-Length'], parse() {},
  }) }`
  const { lines } = await prepareConfiguration(t, {
    settings: { plugins: ['more'] },
    files: { 'more/parsers/odd.js': text },
  })
  t.regex(lines.join('\n'), /parsers\/odd: header name Content-Length frames or steers/)
})
