import { once } from 'node:events'
import { renameSync, utimesSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:https'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import path from 'node:path'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import type { Attempt, Secret } from '#contract'

import plugin from '../../../plugins/validators/workload-identity/index.ts'
import { aHost, aSecret, anAttempt } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'
import { validatorContract } from '../../contract/validator.ts'
import { pki } from '../../support/pki.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import {
  JWT_BEARER,
  JWT_SPIFFE,
  serviceAccountClaims,
  workloadIssuer,
} from '../../support/workload-issuer.ts'
import type { TokenOptions, WorkloadIssuer } from '../../support/workload-issuer.ts'

const NOW = new Date('2026-06-01T12:00:00Z')
const AT = NOW.getTime() / 1000
const AUDIENCE = 'https://auth.example'
const CLUSTER = 'https://kubernetes.default.svc'
const SPIFFE = 'spiffe://example.org/shop/orders'

const cluster = workloadIssuer('cluster-1', 'sig', 'RS256')
const domain = workloadIssuer('domain-1', 'jwt-svid')
const stranger = workloadIssuer('cluster-1', 'sig', 'RS256')

const ACCOUNT = aSecret('KubernetesServiceAccount', 'system:serviceaccount:shop:orders', {
  issuer: CLUSTER,
})
const WORKLOAD = aSecret('SpiffeId', SPIFFE)

const host = aHost()
const FILES = { 'cluster.json': cluster.jwks, 'domain.json': domain.jwks }

function issuersIn(folder: string, more = {}) {
  const file = (name: string) => ({ jwks: { file: path.join(folder, name) }, audience: AUDIENCE })
  return [
    { issuer: CLUSTER, ...file('cluster.json'), ...more },
    { trustDomain: 'example.org', ...file('domain.json'), ...more },
  ]
}

async function validatorOf(t: ExecutionContext, more = {}, files = {}) {
  const folder = temporaryFolder(t, { ...FILES, ...files })
  return setUp(plugin, { issuers: issuersIn(folder, more) }, host)
}

type Judge = Awaited<ReturnType<typeof validatorOf>>

async function judge(
  validator: Judge,
  assertion: string,
  assertionType = JWT_BEARER,
  secrets: readonly Secret[] = [ACCOUNT, WORKLOAD],
  overrides: Partial<Attempt<'federated_assertion'>> = {},
) {
  const credential = { kind: 'federated_assertion', assertion, assertionType } as const
  return validator.validate(anAttempt(credential, secrets, { now: NOW, ...overrides }))
}

const accountToken = (options: TokenOptions = {}, by: WorkloadIssuer = cluster) =>
  by.sign(serviceAccountClaims(CLUSTER, AUDIENCE, ['shop', 'orders']), { at: AT, ...options })
const svid = (options: TokenOptions = {}, by: WorkloadIssuer = domain) =>
  by.sign({ sub: SPIFFE, aud: [AUDIENCE] }, { at: AT, ...options })

validatorContract(test, 'with issuers', async () =>
  setUp(
    plugin,
    {
      issuers: [
        { issuer: CLUSTER, jwks: { uri: 'https://127.0.0.1:1/jwks' }, audience: AUDIENCE },
        { trustDomain: 'example.org', jwks: { uri: 'https://127.0.0.1:1/b' }, audience: AUDIENCE },
      ],
    },
    host,
  ),
)

test('a service-account token proves its subject, and may be used again', async (t) => {
  const validator = await validatorOf(t)
  const token = await accountToken()
  const replay = { claim: async () => t.fail('claimed') }
  for (let time = 0; time < 2; time += 1) {
    t.deepEqual(await judge(validator, token, JWT_BEARER, undefined, { replay }), {
      ok: true,
      secret: ACCOUNT,
      method: 'federated_jwt',
    })
  }
})

test('a JWT-SVID proves its SPIFFE ID', async (t) => {
  const validator = await validatorOf(t)
  for (const header of [{}, { typ: 'JWT' }, { typ: 'JOSE' }]) {
    t.deepEqual(await judge(validator, await svid({ header }), JWT_SPIFFE), {
      ok: true,
      secret: WORKLOAD,
      method: 'spiffe_jwt',
    })
  }
})

test('a JWT-SVID needs no iat, a service-account token does', async (t) => {
  const validator = await validatorOf(t)
  const claims = { iat: undefined }
  t.like(await judge(validator, await svid({ claims }), JWT_SPIFFE), { ok: true })
  t.like(await judge(validator, await accountToken({ claims })), { ok: false, reason: 'jwt-iat' })
})

for (const [what, options, reason] of [
  ['for another audience', { claims: { aud: ['https://api.example'] } }, 'jwt-aud'],
  ['for us and another', { claims: { aud: [AUDIENCE, 'https://api.example'] } }, 'jwt-aud'],
  ['for nobody', { claims: { aud: undefined } }, 'jwt-aud'],
  ['for an empty list', { claims: { aud: [] } }, 'jwt-aud'],
  ['that expired', { claims: { exp: AT - 61 } }, 'jwt-expired'],
  ['without an end', { claims: { exp: undefined } }, 'jwt-exp'],
  ['with an end that is a text', { claims: { exp: String(AT + 60) } }, 'jwt-exp'],
  ['of the future', { claims: { iat: AT + 61 } }, 'jwt-not-yet-valid'],
  ['that begins later', { claims: { nbf: AT + 61 } }, 'jwt-not-yet-valid'],
  ['that lives on for long', { claims: { exp: AT + 7200 } }, 'assertion-lifetime'],
  ['that was made to live long', { claims: { iat: AT - 7200 } }, 'assertion-lifetime'],
  ['typed as an access token', { header: { typ: 'at+jwt' } }, 'jwt-typ'],
  ['with a critical extension', { header: { crit: ['b64'], b64: true } }, 'jwt-crit'],
  ['with a key that is unknown', { header: { kid: 'another' } }, 'jwt-kid-unknown'],
  [
    'about another workload',
    { claims: { sub: 'system:serviceaccount:shop:other' } },
    'workload-mismatch',
  ],
  [
    'about a subject in capitals',
    { claims: { sub: 'system:serviceaccount:shop:Orders' } },
    'workload-mismatch',
  ],
  [
    'about a longer subject',
    { claims: { sub: 'system:serviceaccount:shop:orders ' } },
    'workload-mismatch',
  ],
  [
    'of another cluster',
    { claims: { iss: 'https://elsewhere.example' } },
    'workload-issuer-unknown',
  ],
  ['of a cluster with a slash', { claims: { iss: `${CLUSTER}/` } }, 'workload-issuer-unknown'],
  ['without an issuer', { claims: { iss: undefined } }, 'workload-issuer-unknown'],
] as const) {
  test(`a service-account token is refused ${what}`, async (t) => {
    const validator = await validatorOf(t)
    t.like(await judge(validator, await accountToken(options)), { ok: false, reason })
  })
}

for (const [what, options, reason] of [
  [
    'of another trust domain',
    { claims: { sub: 'spiffe://example.com/shop/orders' } },
    'workload-issuer-unknown',
  ],
  [
    'of a trust domain below',
    { claims: { sub: 'spiffe://a.example.org/x' } },
    'workload-issuer-unknown',
  ],
  [
    'of the trust domain itself',
    { claims: { sub: 'spiffe://example.org' } },
    'workload-issuer-unknown',
  ],
  [
    'with a trust domain in capitals',
    { claims: { sub: 'spiffe://Example.org/x' } },
    'workload-issuer-unknown',
  ],
  ['about a longer path', { claims: { sub: `${SPIFFE}/a` } }, 'workload-mismatch'],
  ['for another audience', { claims: { aud: ['https://api.example'] } }, 'jwt-aud'],
] as const) {
  test(`a JWT-SVID is refused ${what}`, async (t) => {
    const validator = await validatorOf(t)
    t.like(await judge(validator, await svid(options), JWT_SPIFFE), { ok: false, reason })
  })
}

test('a token that an issuer did not sign is refused, whatever key it names or brings', async (t) => {
  const validator = await validatorOf(t)
  for (const header of [
    {},
    { kid: undefined },
    { jwk: stranger.publicKey.export({ format: 'jwk' }) },
    { jku: 'https://elsewhere.example/jwks' },
  ]) {
    const token = await accountToken({ header }, stranger)
    t.like(await judge(validator, token), { ok: false, reason: 'jwt-signature' })
  }
})

test('an issuer cannot speak for another', async (t) => {
  const validator = await validatorOf(t)
  const forged = await svid({ header: { kid: 'domain-1' } }, cluster)
  t.like(await judge(validator, forged, JWT_SPIFFE), { ok: false, reason: 'jwt-signature' })
  const asAccount = await domain.sign(serviceAccountClaims(CLUSTER, AUDIENCE, ['shop', 'orders']), {
    at: AT,
    header: { kid: 'cluster-1' },
  })
  t.like(await judge(validator, asAccount), { ok: false, reason: 'jwt-signature' })
  // Signed by the cluster, about a subject of the trust domain.
  const mixed = await accountToken({ claims: { sub: SPIFFE } })
  t.like(await judge(validator, mixed), { ok: false, reason: 'workload-mismatch' })
  t.like(await judge(validator, mixed, JWT_SPIFFE), { ok: false, reason: 'jwt-kid-unknown' })
})

test('two clusters that name their accounts alike are told apart', async (t) => {
  const validator = await validatorOf(t)
  const elsewhere = aSecret(ACCOUNT.type, ACCOUNT.value, { issuer: 'https://elsewhere.example' })
  t.like(await judge(validator, await accountToken(), JWT_BEARER, [elsewhere]), {
    ok: false,
    reason: 'workload-mismatch',
    considered: [{ secret: elsewhere }],
  })
})

test('a key for something else in a bundle checks no token', async (t) => {
  const x509 = workloadIssuer('x509', 'x509-svid')
  const encrypting = workloadIssuer('enc', 'enc')
  const keys = [domain, x509, encrypting].flatMap(
    ({ jwks }) => (JSON.parse(jwks) as { keys: unknown[] }).keys,
  )
  const validator = await validatorOf(t, {}, { 'domain.json': JSON.stringify({ keys }) })
  for (const by of [x509, encrypting]) {
    t.like(await judge(validator, await svid({}, by), JWT_SPIFFE), {
      ok: false,
      reason: 'jwt-kid-unknown',
    })
  }
  t.like(await judge(validator, await svid(), JWT_SPIFFE), { ok: true })
})

test('a longer life is a matter of the option', async (t) => {
  const validator = await validatorOf(t, { maxLifetime: '24h' })
  const claims = { iat: AT - 7200, exp: AT + 7200 }
  t.like(await judge(validator, await accountToken({ claims })), { ok: true })
})

test('no issuer, nothing accepted and nothing offered', async (t) => {
  const validator = await setUp(plugin, {}, host)
  t.is(validator.advertises, undefined)
  t.is(validator.signingAlgorithms, undefined)
  t.like(await judge(validator, await accountToken()), { reason: 'workload-issuer-unknown' })
  t.regex(String(validator.inspect?.(ACCOUNT).fault), /is not in issuers/)
})

test('what is offered is what the issuers are for', async (t) => {
  t.deepEqual((await validatorOf(t)).advertises, ['federated_jwt', 'spiffe_jwt'])
})

test('a secret is found by its subject', async (t) => {
  const { inspect } = await validatorOf(t)
  t.deepEqual(inspect?.(ACCOUNT), {
    lookupKeys: [`subject:${JSON.stringify([CLUSTER, ACCOUNT.value])}`],
  })
  t.deepEqual(inspect?.(WORKLOAD), { lookupKeys: [`spiffe-id:${SPIFFE}`] })
})

for (const [what, secret, fault] of [
  ['an account without an issuer', aSecret(ACCOUNT.type, ACCOUNT.value), /issuer of the cluster/],
  [
    'an account of an unknown issuer',
    aSecret(ACCOUNT.type, ACCOUNT.value, { issuer: 'https://x' }),
    /not in issuers/,
  ],
  [
    'an account without a namespace',
    aSecret(ACCOUNT.type, 'orders', { issuer: CLUSTER }),
    /system:serviceaccount:/,
  ],
  [
    'a pattern',
    aSecret(ACCOUNT.type, 'system:serviceaccount:shop:*', { issuer: CLUSTER }),
    /no patterns/,
  ],
  [
    'all accounts',
    aSecret(ACCOUNT.type, 'system:serviceaccounts:shop', { issuer: CLUSTER }),
    /no patterns/,
  ],
  [
    'a SPIFFE ID of an unknown domain',
    aSecret('SpiffeId', 'spiffe://x.example/a'),
    /not in issuers/,
  ],
  ['a trust domain', aSecret('SpiffeId', 'spiffe://example.org'), /TRUST-DOMAIN/],
  ['a SPIFFE ID with a slash behind', aSecret('SpiffeId', `${SPIFFE}/`), /no patterns/],
  ['a SPIFFE ID with dots', aSecret('SpiffeId', 'spiffe://example.org/a/../b'), /no patterns/],
  ['a SPIFFE pattern', aSecret('SpiffeId', 'spiffe://example.org/*'), /no patterns/],
  ['a SPIFFE ID with an issuer', aSecret('SpiffeId', SPIFFE, { issuer: CLUSTER }), /its issuer/],
] as const) {
  test(`${what} is a fault`, async (t) => {
    const { inspect } = await validatorOf(t)
    t.regex(String(inspect?.(secret).fault), fault)
  })
}

for (const [what, issuers] of [
  ['without an audience', [{ issuer: CLUSTER, jwks: { uri: 'https://a/b' } }]],
  ['with neither name', [{ jwks: { uri: 'https://a/b' }, audience: AUDIENCE }]],
  ['with plain HTTP', [{ issuer: CLUSTER, jwks: { uri: 'http://a/b' }, audience: AUDIENCE }]],
  ['with no keys', [{ issuer: CLUSTER, jwks: {}, audience: AUDIENCE }]],
  [
    'with keys twice',
    [{ issuer: CLUSTER, jwks: { uri: 'https://a/b', file: 'c' }, audience: AUDIENCE }],
  ],
  [
    'named twice',
    [1, 2].map(() => ({ issuer: CLUSTER, jwks: { uri: 'https://a/b' }, audience: AUDIENCE })),
  ],
  [
    'with a file that is not there',
    [{ issuer: CLUSTER, jwks: { file: '/nowhere' }, audience: AUDIENCE }],
  ],
] as const) {
  test(`an issuer is refused at start ${what}`, async (t) => {
    await t.throwsAsync(setUp(plugin, { issuers }, host))
  })
}

test('keys in a file that is exchanged count at once; one that went bad changes nothing', async (t) => {
  const folder = temporaryFolder(t, FILES)
  const own = aHost()
  const validator = await setUp(plugin, { issuers: issuersIn(folder) }, own)
  const next = workloadIssuer('cluster-2')
  const token = await accountToken()
  const newToken = await accountToken({}, next)
  t.like(await judge(validator, newToken), { reason: 'jwt-kid-unknown' })

  const file = path.join(folder, 'cluster.json')
  const write = (text: string, seconds: number) => {
    writeFileSync(`${file}.new`, text)
    utimesSync(`${file}.new`, seconds, seconds)
    renameSync(`${file}.new`, file)
  }
  write('{"keys":[]}', 1)
  t.like(await judge(validator, token), { ok: true })
  t.like(await judge(validator, token), { ok: true })
  t.is(own.lines.length, 1, 'said once')
  write(next.jwks, 2)
  t.like(await judge(validator, newToken), { ok: true })
  t.like(await judge(validator, token), { reason: 'jwt-kid-unknown' })
})

type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** The API server of a cluster, which gives its keys to whoever has a token. */
async function keyServer(t: ExecutionContext, answer: Answer) {
  const { server, rootCa } = await pki()
  const https = createServer({ cert: server.cert, key: server.key }, answer)
  https.listen(0, '127.0.0.1')
  await once(https, 'listening')
  t.teardown(() => {
    https.closeAllConnections()
    https.close()
  })
  const { port } = https.address() as AddressInfo
  const folder = temporaryFolder(t, { 'ca.crt': rootCa.pem, token: 'token-of-ours\n' })
  const jwks = {
    uri: `https://127.0.0.1:${port}/openid/v1/jwks`,
    ca: path.join(folder, 'ca.crt'),
    tokenFile: path.join(folder, 'token'),
  }
  return { jwks, folder }
}

test('keys are fetched from the server of the cluster with a token of ours, once for many', async (t) => {
  let asked = 0
  const { jwks } = await keyServer(t, (request, response) => {
    asked += 1
    const known = request.headers.authorization === 'Bearer token-of-ours'
    response.writeHead(known ? 200 : 403).end(cluster.jwks)
  })
  const validator = await setUp(
    plugin,
    { issuers: [{ issuer: CLUSTER, jwks, audience: AUDIENCE }] },
    host,
  )
  const token = await accountToken()
  const all = await Promise.all(Array.from({ length: 20 }, () => judge(validator, token)))
  t.true(all.every(({ ok }) => ok))
  t.is(asked, 1)
})

for (const [what, answer] of [
  ['refuses us', (_, response) => response.writeHead(403).end()],
  ['sends us elsewhere', (_, response) => response.writeHead(302, { location: '/' }).end()],
  ['sends something else', (_, response) => response.end('<html>')],
  ['sends a flood', (_, response) => response.end('x'.repeat(300_000))],
] as const satisfies readonly (readonly [string, Answer])[]) {
  test(`nobody gets in while the server of the cluster ${what}, and all may try again`, async (t) => {
    const { jwks } = await keyServer(t, answer)
    const validator = await setUp(
      plugin,
      { issuers: [{ issuer: CLUSTER, jwks, audience: AUDIENCE }] },
      host,
    )
    t.like(await judge(validator, await accountToken()), {
      ok: false,
      reason: 'jwks-unavailable',
      retryable: true,
    })
  })
}

test('a server that somebody else vouches for is not asked', async (t) => {
  const { otherCa } = await pki()
  const { jwks, folder } = await keyServer(t, (_, response) => response.end(cluster.jwks))
  writeFileSync(path.join(folder, 'ca.crt'), otherCa.pem)
  const validator = await setUp(
    plugin,
    { issuers: [{ issuer: CLUSTER, jwks, audience: AUDIENCE }] },
    host,
  )
  t.like(await judge(validator, await accountToken()), { ok: false, reason: 'jwks-unavailable' })
})
