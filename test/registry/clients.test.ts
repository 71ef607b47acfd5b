import test from 'ava'

import { sha256 } from '../support/clients.ts'
import { prepareConfiguration } from '../support/prepare-configuration.ts'
import { basic } from '../support/send.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { assertRefused, INVALID_CLIENT, tokenOf, tokenRequest } from '../support/token-request.ts'

const HASH = sha256('right')
const SOUND = { value: HASH, description: 'sound' }

/** Loads one client with these secrets from a YAML file of one line each. */
async function secretsOf(t: import('ava').ExecutionContext, secrets: readonly unknown[], env = {}) {
  const lines = secrets.map((secret) => `    - ${JSON.stringify(secret)}\n`)
  const text = `clients:\n- clientId: a\n  clientSecrets:\n${lines.join('')}`
  const { prepared, lines: faults } = await prepareConfiguration(t, {
    files: { 'clients.yaml': text },
    env,
  })
  const types = prepared?.clients[0]?.clientSecrets.map(({ description }) => description)
  return { types, faults }
}

for (const [title, secret, fault] of [
  ['a hash of no known length', { value: 'AAAA' }, /5:\d+: client "a", secret "SharedSecret": .+/],
  [
    'no value',
    { type: 'JWK' },
    /5:7: client "a": clientSecrets\.1\.value: is missing; it must be text/,
  ],
  [
    'a number for a value',
    { value: 12 },
    /5:\d+: .*clientSecrets\.1\.value: must be text in quotes/,
  ],
  [
    'an unknown type',
    { type: 'Magic', value: 'x' },
    /5:\d+: .*no validator checks Magic; there is .*SharedSecret/,
  ],
  [
    'a type that every object has',
    { type: 'constructor', value: 'x' },
    /no validator checks constructor/,
  ],
  [
    'a property nobody knows',
    { value: HASH, pepper: 1 },
    /5:\d+: .*pepper is not a property of a SharedSecret secret/,
  ],
  [
    'a date that is none',
    { value: HASH, expiration: 'soon' },
    /5:\d+: .*expiration: is not a date; write 2027-01-01/,
  ],
  ['a day that is none', { value: HASH, expiration: '2027-02-31x' }, /is not a date/],
  ['an unset variable', { value: { env: 'NOPE' } }, /environment variable NOPE is not set/],
  ['a file that is not there', { value: { file: 'nope' } }, /nope does not exist/],
  [
    'two places',
    { value: { env: 'A', file: 'b' } },
    /must be text in quotes, \{ env: NAME \} or \{ file: path \}/,
  ],
  ['text where a mapping is wanted', 'secret', /clientSecrets\.1: must be a mapping, is text/],
] as const) {
  test(`a secret with ${title} is disabled, its neighbours are not`, async (t) => {
    const { types, faults } = await secretsOf(t, [SOUND, secret, { ...SOUND, description: 'last' }])
    t.deepEqual(types, ['sound', 'last'])
    t.is(faults.length, 1, faults.join('\n'))
    t.regex(
      faults[0] ?? '',
      new RegExp(
        `^disabled clients\\.yaml:${fault.source.startsWith('5') ? '' : '.*'}${fault.source}`,
      ),
    )
  })
}

test('a value may come from the environment or a file, and an expiration in several forms', async (t) => {
  const { prepared, lines } = await prepareConfiguration(t, {
    env: { HASH },
    files: {
      'keys/hash': `${HASH}\n`,
      'clients.yaml': `clients:
- clientId: a
  clientSecrets:
  - { value: { env: HASH }, expiration: 2099-01-01 }
  - { value: { file: keys/hash }, expiration: 2099-01-01T12:00 }
  - { value: '${HASH}', expiration: '2099-01-01T12:00:00+02:00' }
`,
    },
  })
  t.deepEqual(lines, [])
  t.deepEqual(
    prepared?.clients[0]?.clientSecrets.map(({ value, expiration }) => [
      value,
      expiration?.toISOString(),
    ]),
    [
      [HASH, '2099-01-01T00:00:00.000Z'],
      [HASH, '2099-01-01T12:00:00.000Z'],
      [HASH, '2099-01-01T10:00:00.000Z'],
    ],
  )
  t.true(prepared?.watched.some((file) => file.endsWith('keys/hash')))
})

for (const [title, client, fault] of [
  ['no id', {}, /clientId: is missing; it must be text/],
  ['an empty id', { clientId: '' }, /clientId: must not be empty/],
  ['an id that breaks a line', { clientId: 'a\nb' }, /clientId: holds control characters/],
  ['an id of half a character', { clientId: 'a\uD800' }, /clientId: holds control characters/],
  ['an id over the limit', { clientId: 'a'.repeat(101) }, /clientId: has more than 100 characters/],
  [
    'a property nobody knows',
    { clientId: 'a', scopes: [] },
    /scopes: is not a known setting; known here: clientId, .*allowedScopes/,
  ],
  [
    'one property in both spellings',
    { clientId: 'a', ClientId: 'b' },
    /ClientId: is not a known setting/,
  ],
  [
    '"enabled" as text',
    { clientId: 'a', enabled: 'false' },
    /enabled: must be true or false, is text/,
  ],
  [
    '"enabled" as nothing',
    { clientId: 'a', enabled: null },
    /enabled: must be true or false, is empty/,
  ],
  [
    '"requireClientSecret" as text',
    { clientId: 'a', requireClientSecret: '' },
    /requireClientSecret: must be true or false/,
  ],
  [
    'a scope that is none',
    { clientId: 'a', allowedScopes: ['a b'] },
    /allowedScopes\.0: is not a scope token/,
  ],
  [
    'a lifetime of nothing',
    { clientId: 'a', accessTokenLifetime: 0 },
    /accessTokenLifetime: must be seconds, or a duration/,
  ],
  [
    'a lifetime of two years',
    { clientId: 'a', accessTokenLifetime: '730d' },
    /between 1s and 365d/,
  ],
  [
    'a token type that is none',
    { clientId: 'a', accessTokenType: 'constructor' },
    /accessTokenType: must be Jwt or Reference/,
  ],
  [
    'a token type beyond the numbers',
    { clientId: 'a', accessTokenType: 2 },
    /accessTokenType: must be Jwt or Reference/,
  ],
  [
    '101 secrets',
    { clientId: 'a', clientSecrets: Array.from({ length: 101 }, () => SOUND) },
    /clientSecrets: has more than 100 entries/,
  ],
  [
    'secrets that are no list',
    { clientId: 'a', clientSecrets: {} },
    /clientSecrets: must be a list, is a mapping/,
  ],
] as const) {
  test(`a client with ${title} is an error`, async (t) => {
    const clients = [{ clientId: 'other' }, client]
    const { prepared, lines } = await prepareConfiguration(t, { clients })
    t.is(prepared, undefined)
    t.is(lines.length, 1, lines.join('\n'))
    t.regex(lines[0] ?? '', /^error clients\.yaml:\d+:\d+: client/)
    t.regex(lines[0] ?? '', fault)
  })
}

test('what is no list of clients is an error where it stands', async (t) => {
  for (const [text, line] of [
    ['', 'clients.yaml:1:1: holds no list of clients'],
    ['clients: {a: 1}', 'clients.yaml:1:1: holds no list of clients'],
    ['clients: [3]', 'clients.yaml:1:11: client: must be a mapping, is a number'],
    ['clients: [[]]', 'clients.yaml:1:11: client: must be a mapping, is a list'],
    ['clients: []\nclient: []', 'clients.yaml:2:9: client: is not known here'],
    ['clients: [', 'clients.yaml:1:11: '],
  ] as const) {
    const { prepared, lines } = await prepareConfiguration(t, { files: { 'clients.yaml': text } })
    t.is(prepared, undefined)
    t.is(lines.length, 1)
    t.true(lines[0]?.startsWith(`error ${line}`), lines[0])
  }
})

test('a clients file that is not there is told at the setting that names it', async (t) => {
  const { lines } = await prepareConfiguration(t, { settings: { clients: 'nope.yaml' } })
  t.is(lines.length, 1)
  t.regex(
    lines[0] ?? '',
    /^error vouchgate\.yaml:\d+:\d+: clients: client-stores\/files cannot read them: ENOENT/,
  )
})

test('a client that is defined twice is an error that names both places', async (t) => {
  const { lines } = await prepareConfiguration(t, {
    settings: { clients: 'c' },
    files: {
      'c/a.yaml': '- clientId: batch\n- clientId: Batch\n',
      'c/b.json': '[\n  { "ClientId": "batch" }\n]',
    },
  })
  t.deepEqual(lines, ['error c/b.json:2:17: client "batch" is defined already at c/a.yaml:1:13'])
})

test('a client may be called like a property that every object has', async (t) => {
  const ids = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
  const running = await startSidecar(t, {
    files: {
      'clients.yaml': ids
        .slice(0, 2)
        .map((id) => `- clientId: ${id}\n  clientSecrets: [{ value: '${sha256(id)}' }]\n`)
        .join(''),
    },
  })
  for (const id of ids.slice(0, 2)) {
    tokenOf(t, await running.send(tokenRequest({ headers: { authorization: basic(id, id) } })))
  }
  for (const id of ids.slice(2)) {
    const answer = await running.send(tokenRequest({ headers: { authorization: basic(id, id) } }))
    assertRefused(t, running, answer, { ...INVALID_CLIENT, reason: 'client-unknown' })
  }
})

test('a sidecar with one bad secret serves its neighbours, and warns loudly', async (t) => {
  const running = await startSidecar(t, {
    clients: [
      { clientId: 'two', clientSecrets: [{ value: 'AAAA', description: 'bad' }, SOUND] },
      { clientId: 'one', clientSecrets: [{ value: { env: 'NOPE' }, description: 'bad' }] },
    ],
  })
  const send = (id: string) =>
    running.send(tokenRequest({ headers: { authorization: basic(id, 'right') } }))
  tokenOf(t, await send('two'))
  assertRefused(t, running, await send('one'), { ...INVALID_CLIENT, reason: 'secret-none' })
  const warnings = running.log.filter(({ event }) => event === 'config.disabled')
  t.deepEqual(
    warnings.map(({ level, at }) => [level, String(at).replace(/:\d+:\d+$/, '')]),
    [
      ['warn', 'clients.yaml'],
      ['warn', 'clients.yaml'],
    ],
  )
  t.regex(String(warnings[0]?.['message']), /^client "two", secret "bad": /)
  t.regex(
    String(warnings[1]?.['message']),
    /^client "one": .*environment variable NOPE is not set$/,
  )
})

test('resources are checked as clients are', async (t) => {
  const resources = [
    { name: 'orders', scopes: ['read'], apiSecrets: [SOUND, { value: 'AAAA' }] },
    { name: 'orders' },
    { name: 'stock', scope: ['x'] },
    { scopes: [3] },
    'text',
  ]
  const { lines } = await prepareConfiguration(t, {
    files: { 'resources.yaml': JSON.stringify(resources) },
  })
  t.deepEqual(
    lines
      .map((line) => line.replace(/:\d+:\d+/, '').replace(/; (?:known|it|write|hash).*$/, ''))
      .toSorted(),
    [
      'disabled resources.yaml: resource "orders", secret "SharedSecret": no SHA-256 or SHA-512 in padded base64: it looks like the plain secret',
      'error resources.yaml: resource "orders": name: "orders" names another resource already',
      'error resources.yaml: resource "stock": scope: is not a known setting',
      'error resources.yaml: resource 4: name: is missing',
      'error resources.yaml: resource 4: scopes.0: must be a scope, or a mapping with its name',
      'error resources.yaml: resource 5: must be a mapping, is text',
    ],
  )
})
