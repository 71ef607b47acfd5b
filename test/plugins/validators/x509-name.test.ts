import test from 'ava'

import plugin from '../../../plugins/validators/x509-name/index.ts'
import { anAttempt, aName, aPeer, aSecret } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const validator = await setUp(plugin)
const peer = aPeer({ subject: aName('CN=orders, OU=Sales, O=Example'), issuer: aName('CN=CA') })
const credential = { kind: 'certificate', peer } as const
const UNTRUSTED = { ok: false, reason: 'chain-untrusted', hint: 'no anchor' } as const

function registered(value: string) {
  return aSecret('X509Name', value)
}

for (const [notation, value] of [
  ['.NET', 'CN=orders, OU=Sales, O=Example'],
  ['RFC 4514', 'CN=orders,OU=Sales,O=Example'],
  ['OpenSSL one-line', 'O = Example, OU = Sales, CN = orders'],
  ['slash', '/O=Example/OU=Sales/CN=orders'],
] as const)
  test(`a trusted certificate is known by its subject in ${notation} notation`, async (t) => {
    const secret = registered(value)
    t.deepEqual(validator.inspect?.(secret), {
      lookupKeys: [`x509-subject:${peer.subject.key}`],
    })
    t.deepEqual(await validator.validate(anAttempt(credential, [secret])), {
      ok: true,
      secret,
      method: 'tls_client_auth',
      confirmation: { 'x5t#S256': peer.x5tS256 },
    })
  })

for (const value of [
  'CN=orders',
  'CN=orders, OU=Sales',
  'CN=orders, O=Example, OU=Sales',
  'CN=orders, OU=Sales, O=Example, C=DE',
  'CN=orders2, OU=Sales, O=Example',
  'OU=orders, CN=Sales, O=Example',
])
  test(`"${value}" is another name`, async (t) => {
    const secret = registered(value)
    t.is(validator.inspect?.(secret).fault, undefined)
    t.like(await validator.validate(anAttempt(credential, [secret])), {
      ok: false,
      reason: 'cert-subject-mismatch',
      got: 'CN=orders, OU=Sales, O=Example',
      considered: [{ secret, reason: 'cert-subject-mismatch', want: value }],
    })
  })

test('the name of the issuer does not count', async (t) => {
  t.like(await validator.validate(anAttempt(credential, [registered('CN=CA')])), { ok: false })
})

test('a name without a trusted path proves nothing', async (t) => {
  const secret = registered('CN=orders, OU=Sales, O=Example')
  const trust = { verify: async () => UNTRUSTED }
  t.deepEqual(await validator.validate(anAttempt(credential, [secret], { trust })), {
    ok: false,
    reason: 'chain-untrusted',
    hint: 'no anchor',
    considered: [{ secret, reason: 'chain-untrusted', hint: 'no anchor' }],
  })
})

test('trust is asked for once, also when no name fits', async (t) => {
  for (const value of ['CN=orders, OU=Sales, O=Example', 'CN=billing']) {
    let asked = 0
    const verify = () => {
      asked += 1
      return UNTRUSTED
    }
    const attempt = anAttempt(credential, [registered(value)], { trust: { verify } })
    t.like(await validator.validate(attempt), { ok: false })
    t.is(asked, 1)
  }
})

test('a wrong name on an untrusted certificate is refused with both reasons', async (t) => {
  const trust = { verify: () => UNTRUSTED }
  t.like(await validator.validate(anAttempt(credential, [registered('CN=billing')], { trust })), {
    reason: 'cert-subject-mismatch',
    hint: 'nor is the certificate trusted: chain-untrusted',
  })
})

test('a failure to decide about trust is no acceptance', async (t) => {
  const trust = { verify: () => Promise.reject(new Error('no answer')) }
  const secret = registered('CN=orders, OU=Sales, O=Example')
  await t.throwsAsync(async () => validator.validate(anAttempt(credential, [secret], { trust })))
})

for (const [now, reason] of [
  [new Date('2022-05-02T12:37:10Z'), 'cert-expired'],
  [new Date('2018-10-18T12:37:08Z'), 'cert-not-yet-valid'],
] as const)
  test(`the right name on ${now.toISOString()} is refused: ${reason}`, async (t) => {
    const secret = registered('CN=orders, OU=Sales, O=Example')
    t.like(await validator.validate(anAttempt(credential, [secret], { now })), {
      ok: false,
      reason,
      considered: [{ secret, reason }],
    })
  })

test('a name that cannot be read is a fault', (t) => {
  for (const value of ['', 'orders', 'CN=orders,,O=Example', `CN=${'x'.repeat(5000)}`])
    t.truthy(validator.inspect?.(registered(value)).fault, value)
})

const SPIFFE = 'spiffe://example.org/orders'
const named = aPeer({
  subject: aName('CN=orders, O=Example'),
  issuer: aName('CN=CA'),
  subjectAltNames: [
    { type: 'dns', text: 'Orders.example', key: 'dns:orders.example' },
    { type: 'uri', text: SPIFFE, key: `uri:${SPIFFE}` },
    { type: 'ip', text: '192.0.2.1', key: 'ip:c0000201' },
    { type: 'email', text: 'Orders@example.com', key: 'email:Orders@example.com' },
  ],
})

const issued = (value: string, issuer?: unknown) =>
  aSecret('X509IssuerSubject', value, issuer === undefined ? {} : { issuer })

for (const [secret, lookupKey, other, reason] of [
  [
    aSecret('X509SanDns', 'ORDERS.example'),
    'x509-san:dns:orders.example',
    aSecret('X509SanDns', 'example'),
    'cert-san-mismatch',
  ],
  [
    aSecret('X509SanUri', SPIFFE),
    `x509-san:uri:${SPIFFE}`,
    aSecret('X509SanUri', `${SPIFFE}/x`),
    'cert-san-mismatch',
  ],
  [
    aSecret('X509SanIp', '192.0.2.1'),
    'x509-san:ip:c0000201',
    aSecret('X509SanIp', '::ffff:192.0.2.1'),
    'cert-san-mismatch',
  ],
  [
    aSecret('X509SanEmail', 'Orders@EXAMPLE.com'),
    'x509-san:email:Orders@example.com',
    aSecret('X509SanEmail', 'orders@example.com'),
    'cert-san-mismatch',
  ],
  [
    issued('CN=orders, O=Example', 'CN=CA'),
    `x509-issued:${named.subject.key} by ${named.issuer.key}`,
    issued('CN=orders, O=Example', 'CN=CB'),
    'cert-issuer-mismatch',
  ],
] as const)
  test(`${secret.type} names a certificate by that and by nothing else`, async (t) => {
    const presented = { kind: 'certificate', peer: named } as const
    t.deepEqual(validator.inspect?.(secret), { lookupKeys: [lookupKey] })
    t.like(await validator.validate(anAttempt(presented, [secret])), {
      ok: true,
      method: 'tls_client_auth',
    })
    t.is(validator.inspect?.(other).fault, undefined)
    t.like(await validator.validate(anAttempt(presented, [other])), {
      ok: false,
      reason,
      considered: [{ secret: other, reason }],
    })
  })

test('the anchors of the secret are asked, and those of another secret do not count for it', async (t) => {
  const presented = { kind: 'certificate', peer: named } as const
  const asked: unknown[] = []
  const trust = {
    verify: (_: unknown, options?: { anchors?: string }) => {
      asked.push(options?.anchors)
      return options?.anchors === 'tenant-a' ? ({ ok: true } as const) : UNTRUSTED
    },
  }
  const mine = aSecret('X509SanDns', 'orders.example', { anchors: 'tenant-a' })
  const general = aSecret('X509SanUri', SPIFFE)
  const stranger = aSecret('X509SanDns', 'billing.example', { anchors: 'tenant-a' })
  const judge = (...secrets: (typeof mine)[]) =>
    validator.validate(anAttempt(presented, secrets, { trust }))
  t.like(await judge(mine), { ok: true, secret: mine })
  t.like(await judge(general, mine), { ok: true, secret: mine })
  t.like(await judge(general, stranger), { ok: false, reason: 'chain-untrusted' })
  t.like(await judge(stranger), { ok: false, reason: 'cert-san-mismatch' })
  t.deepEqual(asked, ['tenant-a', undefined, 'tenant-a', undefined, 'tenant-a'])
})

test('trust that cannot be judged now is no wrong name', async (t) => {
  const later = { ok: false, reason: 'chain-busy', retryable: true } as const
  const trust = { verify: () => later }
  for (const value of ['CN=orders, OU=Sales, O=Example', 'CN=billing'])
    t.deepEqual(
      await validator.validate(anAttempt(credential, [registered(value)], { trust })),
      later,
    )
})

for (const [what, secret, faultIn] of [
  ['a set that is not there', aSecret('X509Name', 'CN=a', { anchors: 'tenant-x' }), 'anchors'],
  ['a set that is no text', aSecret('X509Name', 'CN=a', { anchors: 5 }), 'anchors'],
  ['an issuer where none belongs', aSecret('X509Name', 'CN=a', { issuer: 'CN=b' }), 'issuer'],
  ['no issuer', issued('CN=a'), 'issuer'],
  ['an issuer that is no text', issued('CN=a', 5), 'issuer'],
  ['an issuer that is no name', issued('CN=a', 'b'), 'issuer'],
  ['a wildcard', aSecret('X509SanDns', '*.example'), undefined],
  ['a mask', aSecret('X509SanIp', '192.0.2.0/24'), undefined],
  ['a pattern', aSecret('X509SanUri', 'spiffe://example.org/*'), undefined],
] as const)
  test(`${what} is a fault of the secret`, (t) => {
    const { fault, faultIn: where, lookupKeys } = validator.inspect?.(secret) ?? {}
    t.truthy(fault)
    t.is(where, faultIn)
    t.is(lookupKeys, undefined)
  })
