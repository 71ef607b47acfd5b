import path from 'node:path'

import test from 'ava'
import * as fc from 'fast-check'
import { dump } from 'js-yaml'

import { LEAST, read, readWith } from './support/read.ts'

test('the least configuration is completed, and its paths start at the file', (t) => {
  const { settings, faults, folder } = read(t, dump(LEAST))
  t.deepEqual(faults, [])
  t.like(settings, {
    issuer: 'https://auth.example',
    listen: {
      host: '0.0.0.0',
      port: 8443,
      certificate: path.join(folder, 'tls.crt'),
      clientCertificates: 'optional',
      handshakeTimeout: 10_000,
      maxHeaderSize: 16_384,
    },
    operations: { port: 9090 },
    clients: path.join(folder, 'clients.yaml'),
    plugins: { folders: [], disabled: [], timeLimit: 1000 },
    routes: [],
    tokens: { lifetime: 3_600_000 },
    state: { use: 'sqlite' },
    identity: { headers: ['generic'], forwardAuthorization: false },
    compatibility: 'none',
  })
})

test('every fault is told at once, each with the line and the column where it stands', (t) => {
  const text = `# a comment
issuer: https://auth.example?x
listen:
  port: '8443'
  certificate: tls.crt
  idleTimeout: 60
  bogus: 1
upstream: http://127.0.0.1:8080/base
clients: [clients.yaml]
operations:
routes:
  - { path: /a, methods: [get] }
  - { path: /b, public: true, scopes: [read] }
tokens: { lifetime: 1w, encryptionKey: "plain text" }
`
  t.deepEqual(read(t, text).lines, [
    'v.yaml:2:9: issuer: must be a URL such as https://host:8443, without user, query or fragment',
    'v.yaml:4:9: listen.port: must be a number, is text',
    'v.yaml:4:3: listen.key: is missing; it must be text',
    'v.yaml:6:16: listen.idleTimeout: is not a duration; write 500ms, 90s, 15m, 1h or 30d',
    'v.yaml:7:10: listen.bogus: is not a known setting; known here: host, port, certificate, key, ' +
      'clientCertificates, http2, handshakeTimeout, headersTimeout, idleTimeout, keepAliveTimeout, ' +
      'maxHeaderSize, maxHeaders, maxConnections, maxConnectionsPerSource, ' +
      'maxRequestsPerConnection, drainTimeout',
    'v.yaml:10:1: operations: must be a mapping, is empty',
    'v.yaml:8:11: upstream: must be a URL such as http://host:8080, without user, path, query or fragment, or unix:/path',
    'v.yaml:9:10: clients: must be a file, a folder, or { use: PLUGIN } and the options of the plugin',
    'v.yaml:12:27: routes.0.methods.0: is not a method name in capitals',
    'v.yaml:13:5: routes.1: a public route cannot demand scopes',
    'v.yaml:14:21: tokens.lifetime: is not a duration; write 500ms, 90s, 15m, 1h or 30d',
    'v.yaml:14:40: tokens.encryptionKey: must be kept elsewhere; ' +
      'write { env: NAME } for an environment variable, or { file: path }',
  ])
})

test('JSON may hold comments, and its faults are located as well', (t) => {
  const text = `{
  // where we are
  "issuer": "https://auth.example", /* in
  two lines */ "upstream": 5,
  "listen": { "certificate": "a", "key": "b", "bogus": "http://x//y" },
  "clients": "c.json",
}
`
  const { lines } = read(t, text, { name: 'v.json' })
  t.is(lines.length, 2)
  t.regex(lines[0] ?? '', /^v\.json:5:56: listen\.bogus: is not a known setting/)
  t.is(
    lines[1],
    'v.json:4:28: upstream: must be a URL such as http://host:8080, unix:/path, or a mapping with targets',
  )
})

test('an empty file is told what it must hold', (t) => {
  for (const text of ['', '\n\n', '# nothing\n', '---\n', '\uFEFF']) {
    const { lines, settings } = read(t, text)
    t.is(settings, undefined)
    t.deepEqual(
      lines.map((line) => line.split(';')[0]),
      [
        'v.yaml:1:1: issuer: is missing',
        'v.yaml:1:1: listen: is missing',
        'v.yaml:1:1: upstream: is missing',
        'v.yaml:1:1: clients: is missing',
      ],
      JSON.stringify(text),
    )
  }
})

test('the environment goes before the file, a flag before the environment, and each is named', (t) => {
  const settings = { listen: { port: 1 }, log: { level: 'warn' }, tokens: { lifetime: '1m' } }
  const env = { VOUCHGATE_LISTEN_PORT: '2', VOUCHGATE_LOG_LEVEL: 'error' }
  const good = readWith(t, settings, { env, assignments: ['listen.port=3', 'routes=[{path: /x}]'] })
  t.deepEqual(good.faults, [])
  t.is(good.settings?.listen.port, 3)
  t.is(good.settings?.log.level, 'error')
  t.is(good.settings?.tokens.lifetime, 60_000)
  t.deepEqual(good.settings?.routes, [{ path: '/x' }])
  t.is(good.locate(['listen', 'port']), '--set listen.port')
  t.is(good.locate(['log', 'level']), 'VOUCHGATE_LOG_LEVEL')
  t.regex(good.locate(['tokens', 'lifetime']), /^v\.yaml:1:\d+$/)
  t.is(good.locate(['routes', 0, 'path']), '--set routes')

  const bad = readWith(t, settings, {
    env: { VOUCHGATE_LISTEN_PORT: 'http', VOUCHGATE_TOKENS_LIFETIME: 'soon' },
    assignments: ['log.level=loud'],
  })
  t.deepEqual(bad.lines, [
    'VOUCHGATE_LISTEN_PORT: listen.port: must be a number, is text',
    'VOUCHGATE_TOKENS_LIFETIME: tokens.lifetime: is not a duration; write 500ms, 90s, 15m, 1h or 30d',
    '--set log.level: log.level: must be one of debug, info, warn, error, silent',
  ])
})

test('what need not be a mapping can be set as a whole from outside', (t) => {
  const env = { VOUCHGATE_CLIENTS: 'others.yaml', VOUCHGATE_PLUGINS: '[a, b]' }
  const { settings, folder, faults } = readWith(t, {}, { env })
  t.deepEqual(faults, [])
  t.is(settings?.clients, path.join(folder, 'others.yaml'))
  t.deepEqual(settings?.plugins.folders, [path.join(folder, 'a'), path.join(folder, 'b')])
})

test('a setting from outside makes the mapping that it needs, but replaces nothing else', (t) => {
  const empty = readWith(t, { operations: null }, { assignments: ['operations.port=9'] })
  t.is(empty.settings?.operations.port, 9)
  const list = readWith(t, { plugins: ['a'] }, { env: { VOUCHGATE_PLUGINS_TIME_LIMIT: '2s' } })
  t.deepEqual(list.lines, [
    'VOUCHGATE_PLUGINS_TIME_LIMIT: plugins is no mapping in the file, so nothing in it can be set',
  ])
})

test('a variable that names no setting is noted, a flag that does is an error', (t) => {
  const env = {
    VOUCHGATE_LISTEN_PROT: '1',
    VOUCHGATE_CONFIG: 'x',
    // What Kubernetes sets in every pod when a Service is called vouchgate.
    VOUCHGATE_SERVICE_HOST: '10.0.0.1',
    VOUCHGATE_PORT: 'tcp://10.0.0.1:8443',
    VOUCHGATE_PORT_8443_TCP_ADDR: '10.0.0.1',
  }
  const noted = readWith(t, {}, { env })
  t.truthy(noted.settings)
  t.deepEqual(noted.faults, [
    { at: 'VOUCHGATE_LISTEN_PROT', message: 'names no setting', severity: 'note' },
  ])
  const assignments = ['listen.prot=1', 'listen.port', 'listen=1', '__proto__.x=1', '']
  const refused = readWith(t, {}, { assignments })
  t.is(refused.settings, undefined)
  t.deepEqual(refused.lines, [
    '--set listen.prot: names no setting; write --set listen.port=9443',
    '--set listen.port: has no value; write --set listen.port=9443',
    '--set listen: names no setting; write --set listen.port=9443',
    '--set __proto__.x: names no setting; write --set listen.port=9443',
    '--set : names no setting; write --set listen.port=9443',
  ])
})

const KEY = 'an encryption key of more than 32 characters'

test('a secret is taken from the environment or from a file', (t) => {
  const env = { KEY }
  const fromEnvironment = readWith(t, { tokens: { encryptionKey: { env: 'KEY' } } }, { env })
  t.is(fromEnvironment.settings?.tokens.encryptionKey, KEY)

  const told: string[] = []
  const file = 'v.yaml'
  const text = dump({ ...LEAST, tokens: { encryptionKey: { file } } })
  const fromFile = read(t, text, { onFile: (one) => told.push(one) })
  t.is(fromFile.settings?.tokens.encryptionKey, text.trimEnd())
  t.deepEqual(told, [path.join(fromFile.folder, file)])
})

const ELSEWHERE =
  'must be kept elsewhere; write { env: NAME } for an environment variable, or { file: path }'
for (const [title, value, message] of [
  ['as text', KEY, ELSEWHERE],
  ['as a number', 12_345, ELSEWHERE],
  ['as nothing', null, ELSEWHERE],
  ['from two places', { env: 'KEY', file: 'v.yaml' }, ELSEWHERE],
  ['from no place', {}, ELSEWHERE],
  ['from an unset variable', { env: 'NOPE' }, 'environment variable NOPE is not set'],
  ['from an empty variable', { env: 'EMPTY' }, 'environment variable EMPTY is empty'],
  ['of a few characters', { env: 'SHORT' }, 'is shorter than 32 characters'],
  ['from no file', { file: 'nope' }, 'nope does not exist'],
  ['from a folder', { file: '.' }, '. is a folder, where a file is wanted'],
  ['from a device', { file: '/dev/zero' }, '/dev/zero is not a file'],
] as const) {
  test(`a secret ${title} is refused, and is not repeated`, (t) => {
    const env = { KEY, EMPTY: '', SHORT: 'a short secret' }
    const { lines, settings } = readWith(t, { tokens: { encryptionKey: value } }, { env })
    t.is(settings, undefined)
    t.is(lines.length, 1)
    t.regex(lines[0] ?? '', /^v\.yaml:1:\d+: tokens\.encryptionKey: /)
    t.true(lines[0]?.endsWith(message), lines[0])
    t.false(/short secret|more than 32 ch/.test(lines.join()))
  })
}

test('durations and sizes are read with their units', (t) => {
  const listen = { idleTimeout: '500ms', headersTimeout: '90s', drainTimeout: '15m' }
  const { settings } = readWith(t, { listen, tokens: { lifetime: '30d' } })
  t.like(settings?.listen, { idleTimeout: 500, headersTimeout: 90_000, drainTimeout: 900_000 })
  t.is(settings?.tokens.lifetime, 30 * 86_400_000)
  for (const [written, bytes] of [
    [4096, 4096],
    ['2048B', 2048],
    ['64KiB', 65_536],
    ['1MiB', 1_048_576],
  ] as const) {
    const sized = readWith(t, { listen: { maxHeaderSize: written } })
    t.is(sized.settings?.listen.maxHeaderSize, bytes)
  }
})

for (const [path_, values, message] of [
  [
    'listen.idleTimeout',
    [60, '60', 's', '-1s', '1.5s', '1 s', '1S', '1m30s', '1e3s', '9999999999s', '', null, true],
    'is not a duration; write 500ms, 90s, 15m, 1h or 30d',
  ],
  // A timer of Node ends at once when it is set to more than 24 days, and never when it is set to 0.
  ['listen.idleTimeout', ['0s', '0ms', '25h', '30d'], 'must be between 1ms and 1d'],
  ['tokens.lifetime', ['0s', '999ms', '366d'], 'must be between 1s and 365d'],
  [
    'listen.maxHeaderSize',
    ['16kb', '16K', '16 KiB', '-1', -1, 1.5, '', null, true, '1TiB'],
    'is not a size; write 65536, 64KiB or 1MiB',
  ],
  ['listen.maxHeaderSize', [0, '1023B', '2MiB'], 'must be between 1KiB and 1MiB'],
  ['listen.port', [-1], 'must be at least 0'],
  ['listen.port', [65_536], 'must be at most 65535'],
  ['listen.port', [1.5], 'must be a whole number, is no whole number'],
  ['listen.host', [''], 'must not be empty'],
  [
    'upstream',
    ['', '127.0.0.1:8080', 'ftp://x', 'http://', 'http://u:p@x', 'http://x/?a', 'http://x/#a'],
    'must be a URL such as http://host:8080, without user, path, query or fragment, or unix:/path',
  ],
  [
    'issuer',
    ['auth.example', 'https:/x', 'https://x/?', 'https://x#', 'https://@x', 'https://x\\y'],
    'must be a URL such as https://host:8443, without user, query or fragment',
  ],
  ['endpoints.prefix', ['auth', '/auth/', '/a b', '/..'], 'is not a path prefix such as /auth'],
  [
    'plugins',
    ['folder', 3, null],
    'must be a list of folders, or a mapping with folders, options, disabled, allow',
  ],
] as const) {
  test(`${path_} is refused: ${message} (${values.map((one) => JSON.stringify(one)).join(' ')})`, (t) => {
    const [first = '', second] = path_.split('.')
    for (const value of values) {
      const { lines } = readWith(t, { [first]: second === undefined ? value : { [second]: value } })
      t.is(lines.length, 1, JSON.stringify([value, lines]))
      t.regex(lines[0] ?? '', /^v\.yaml:1:\d+: /)
      t.true(lines[0]?.endsWith(`: ${path_}: ${message}`), lines[0])
    }
  })
}

test('whatever the file holds, the answer is settings or faults that are located', (t) => {
  const names = fc.constantFrom(
    ...Object.keys(LEAST),
    'tokens',
    'state',
    'routes',
    'plugins',
    'trust',
  )
  const inner = fc.constantFrom(
    'port',
    'use',
    'encryptionKey',
    'env',
    'file',
    'folders',
    'path',
    'allow',
  )
  const { tree } = fc.letrec((tie) => ({
    tree: fc.oneof(
      { maxDepth: 4, depthSize: 'small' },
      fc.oneof(fc.string(), fc.integer(), fc.double(), fc.boolean(), fc.constant(null)),
      fc.array(tie('tree'), { maxLength: 4 }),
      fc.dictionary(fc.oneof(inner, fc.string()), tie('tree'), { maxKeys: 5 }),
    ),
  }))
  const value = fc.oneof(
    tree,
    fc.dictionary(names, tree),
    tree.map((one) => ({ ...LEAST, tokens: one })),
  )
  const property = fc.property(value, (one) => {
    const { settings, faults } = read(t, dump(one))
    t.not(
      settings === undefined,
      faults.every(({ severity }) => severity !== 'error'),
    )
    for (const { at, message } of faults) {
      t.regex(at, /^v\.yaml:\d+:\d+$/)
      t.true(message.length > 0 && message.length < 2000)
    }
  })
  fc.assert(property, { numRuns: 150 })
})

test('whatever bytes the file holds, the answer is settings or faults', (t) => {
  const property = fc.property(fc.oneof(fc.string({ unit: 'binary' }), fc.json()), (text) => {
    const { settings, faults } = read(t, text)
    t.is(settings, undefined)
    t.true(faults.length > 0)
  })
  fc.assert(property, { numRuns: 150 })
})
