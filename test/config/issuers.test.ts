import test from 'ava'
import type { ExecutionContext } from 'ava'

import { readWith } from './support/read.ts'

const ISSUER = {
  issuer: 'https://login.example',
  jwks: {},
  audience: ['api'],
  clients: { there: 'here' },
}
const { jwks: _, ...WITHOUT } = ISSUER
const ASKING = { ...WITHOUT, introspection: { clientId: 'us', secret: { env: 'SECRET' } } }

/** What is said against one issuer, without where. */
function faultsOf(t: ExecutionContext, issuer: unknown): readonly string[] {
  const { lines } = readWith(t, { issuers: [issuer] }, { env: { SECRET: 'secret' } })
  return lines.map((line) => line.replace(/^v\.yaml:\d+:\d+: /, ''))
}

test('an issuer is checked by its keys or asked, and has careful defaults', (t) => {
  const env = { SECRET: 'secret' }
  const { settings } = readWith(
    t,
    { issuers: [ISSUER, { ...ASKING, issuer: 'https://b' }] },
    { env },
  )
  const [byKeys, asked] = settings?.issuers ?? []
  t.like(byKeys, {
    jwks: { maxAge: 600_000, maxStale: 3_600_000, minInterval: 30_000 },
    types: ['at+jwt'],
    clockSkew: 60_000,
    clientIdClaim: 'client_id',
    scopeClaim: 'scope',
    timeout: 2000,
    insecure: false,
  })
  t.false(byKeys?.algorithms.some((one) => /^HS|none/.test(one)))
  t.like(asked, { introspection: { method: 'client_secret_basic', secret: 'secret' } })
})

test('what is remembered of tokens is bounded by default', (t) => {
  t.deepEqual(readWith(t, {}).settings?.introspection, {
    cache: {
      size: 67_108_864,
      maxAge: 300_000,
      withoutExpiry: 10_000,
      maxStale: 60_000,
      inactiveAge: 10_000,
    },
  })
})

const faults: Readonly<Record<string, readonly [unknown, string]>> = {
  'neither keys nor introspection': [WITHOUT, 'issuers.0: needs either jwks or introspection'],
  'both keys and introspection': [
    { ...ISSUER, ...ASKING, jwks: {} },
    'issuers.0: needs either jwks or introspection',
  ],
  'keys without an audience': [
    { ...ISSUER, audience: undefined },
    'issuers.0.audience: is needed: else tokens for other APIs would count here',
  ],
  'nobody to let in': [
    { ...ISSUER, clients: {} },
    'issuers.0: needs clients or clientPrefix: else nobody is let in',
  ],
  'a method without its secret': [
    { ...ASKING, introspection: { clientId: 'us' } },
    'issuers.0.introspection.secret: is needed for client_secret_basic',
  ],
  'a method without its key': [
    { ...ASKING, introspection: { clientId: 'us', method: 'private_key_jwt' } },
    'issuers.0.introspection.key: is needed for private_key_jwt',
  ],
  'plain http': [
    { ...ISSUER, issuer: 'http://login.example' },
    'issuers.0.issuer: must be https; insecure: true allows http on this machine only',
  ],
  'plain http to another machine, marked insecure': [
    { ...ISSUER, jwks: { url: 'http://login.example/jwks' }, insecure: true },
    'issuers.0.jwks.url: must be https; insecure: true allows http on this machine only',
  ],
  'an algorithm with a shared secret': [
    { ...ISSUER, algorithms: ['HS256'] },
    'issuers.0.algorithms.0: must be one of ES256, ES384, ES512, PS256, PS384, PS512, RS256, RS384, RS512, EdDSA, Ed25519',
  ],
  'a prefix with a space': [
    { ...ISSUER, clientPrefix: 'a b' },
    'issuers.0.clientPrefix: must be 1 to 50 visible ASCII characters',
  ],
  'an empty prefix': [
    { ...ISSUER, clientPrefix: '' },
    'issuers.0.clientPrefix: must be 1 to 50 visible ASCII characters',
  ],
  'an issuer with a query': [
    { ...ISSUER, issuer: 'https://login.example?x' },
    'issuers.0.issuer: must be a URL such as https://login.example, without user, query or fragment',
  ],
}

for (const [title, [issuer, fault]] of Object.entries(faults)) {
  test(`an issuer with ${title} is refused`, (t) => {
    t.deepEqual(faultsOf(t, issuer), [fault])
  })
}

test('a secret in the file itself is refused', (t) => {
  const [fault = ''] = faultsOf(t, { ...ASKING, introspection: { clientId: 'us', secret: 'x' } })
  t.regex(fault, /^issuers\.0\.introspection\.secret: must be kept elsewhere/)
})

test('plain http on this machine can be allowed', (t) => {
  const hosts = ['localhost:3000', '127.0.0.1', '[::1]:8080']
  for (const host of hosts) {
    t.deepEqual(faultsOf(t, { ...ISSUER, issuer: `http://${host}`, insecure: true }), [])
  }
})

test('an issuer that stands there twice is refused', (t) => {
  const { lines } = readWith(t, { issuers: [ISSUER, ISSUER] })
  t.is(lines.length, 1)
  t.regex(lines[0] ?? '', /issuers\.1\.issuer: stands here twice/)
})

test('a certificate that is not there is said where it is named', (t) => {
  const [fault = ''] = faultsOf(t, { ...ISSUER, ca: 'nowhere.crt' })
  t.regex(fault, /^issuers\.0\.ca: .*nowhere\.crt does not exist/)
})
