import { execFile } from 'node:child_process'
import { hash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'

import test from 'ava'
import { decodeJwt } from 'jose'

import type { Plugin, Slots } from '#contract'

import { identityHeadersContract } from '../contract/identity-headers.ts'
import { parserContract } from '../contract/parser.ts'
import { setUp } from '../contract/set-up.ts'
import { prepareConfiguration } from '../support/prepare-configuration.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import {
  assertRefused,
  INVALID_CLIENT,
  INVALID_REQUEST,
  tokenOf,
  tokenRequest,
} from '../support/token-request.ts'
import { API_KEY_JAVASCRIPT, API_KEY_TYPESCRIPT } from './support/user-plugins.ts'

const KEY = 'k-0123456789abcdefghij'
const ENV = { PRESS_DIGEST: hash('sha256', KEY), LATHE_DIGEST: hash('sha256', 'another key') }
const SETTINGS = {
  plugins: ['mounted'],
  clients: { use: 'inventory' },
  identity: { headers: ['team', 'generic'] },
}

type Files = Readonly<Record<string, string>>

const mounted = (files: Files) =>
  Object.fromEntries(Object.entries(files).map(([name, text]) => [`mounted/${name}`, text]))

for (const [language, files] of [
  ['TypeScript', API_KEY_TYPESCRIPT],
  ['JavaScript', API_KEY_JAVASCRIPT],
] as const) {
  test(`a way in that somebody wrote in ${language} works on the API and at the token endpoint`, async (t) => {
    const running = await startSidecar(t, { settings: SETTINGS, files: mounted(files), env: ENV })
    const key = (id: string, secret = KEY) => ({ 'x-api-key': `${id}:${secret}` })

    const direct = await running.send({
      path: '/parts',
      headers: { ...key('press-1'), 'x-team': 'admin', 'x-team-other': 'admin' },
    })
    t.is(direct.status, 200)
    const [arrived] = running.arrivedOf(direct)
    t.like(arrived?.headers, {
      'x-team': 'press-1',
      'x-team-may': 'GET read',
      'x-team-other': undefined,
      'x-client-id': 'press-1',
      'x-client-auth-method': 'api_key',
    })

    const token = tokenOf(t, await running.send(tokenRequest({ headers: key('press-1') })))
    t.like(decodeJwt(token), { client_id: 'press-1', scope: 'read' })
    const headers = { authorization: `Bearer ${token}` }
    t.is((await running.send({ path: '/parts', headers })).status, 200)

    for (const [sent, expected] of [
      [
        key('press-1', 'a-wrong-key-of-enough-length'),
        { ...INVALID_CLIENT, reason: 'api-key-unknown' },
      ],
      [key('lathe-1'), { ...INVALID_CLIENT, reason: 'api-key-unknown' }],
      [key('mill-1'), { ...INVALID_CLIENT, reason: 'client-unknown' }],
      [{ 'x-api-key': 'nonsense' }, { ...INVALID_REQUEST, reason: 'api-key-malformed' }],
    ] as const) {
      const answer = await running.send(tokenRequest({ headers: sent }))
      assertRefused(t, running, answer, expected)
      const onApi = await running.send({ path: '/parts', headers: sent })
      t.is(onApi.status, expected.status)
      t.like(running.refusalOf(onApi), { reason: expected.reason })
      t.deepEqual(running.arrivedOf(onApi), [])
    }
    const both = { ...key('press-1'), authorization: 'Basic cHJlc3MtMTp4eHh4' }
    const twice = await running.send(tokenRequest({ headers: both }))
    assertRefused(t, running, twice, { ...INVALID_REQUEST, reason: 'several-credentials' })
    t.false(JSON.stringify(running.log).includes(KEY))

    const document = await running.send({ path: '/.well-known/openid-configuration' })
    const methods = document.json<{ token_endpoint_auth_methods_supported: string[] }>()
    t.true(methods.token_endpoint_auth_methods_supported.includes('api_key'))
    const loaded = running.log.filter(
      ({ event, name }) => event === 'plugin.loaded' && name === 'api-key',
    )
    t.deepEqual(loaded.map(({ slot }) => String(slot)).toSorted(), ['parsers', 'validators'])
    for (const { file, sha256 } of loaded) {
      t.true(String(file).startsWith(path.join(running.folder, 'mounted/')))
      t.regex(String(sha256), /^[0-9a-f]{64}$/)
    }
    t.like(
      running.log.find(({ event }) => event === 'plugin.says'),
      { message: 'asked the inventory' },
    )
  })
}

test('what is wrong with clients of a store of somebody is told in its own words for places', async (t) => {
  const { prepared, lines } = await prepareConfiguration(t, {
    settings: SETTINGS,
    files: mounted(API_KEY_JAVASCRIPT),
    env: { PRESS_DIGEST: 'no digest' },
  })
  t.is(prepared?.clients.length, 2)
  t.deepEqual(lines, [
    'disabled inventory row 1.clientSecrets.0.value: client "press-1", secret "ApiKeyDigest": is no digest',
    'disabled inventory row 2.clientSecrets.0.value: client "lathe-1": clientSecrets.0.value: environment variable LATHE_DIGEST is not set',
  ])
})

for (const [title, load, fault] of [
  [
    'cannot be reached',
    `throw new Error('no route to the inventory')`,
    /cannot read them: no route to the inventory$/,
  ],
  ['returns a list', 'return []', /cannot read them: /],
  ['returns nothing', 'return undefined', /cannot read them: /],
  [
    'returns places that cannot be asked',
    'return { definitions: [{ value: {} }], faults: [] }',
    /cannot read them: /,
  ],
] as const) {
  test(`a client store that ${title} is a fault at the setting that names it`, async (t) => {
    const store = `export default { contract: 1, setup: () => ({ async load() { ${load} } }) }`
    const { prepared, lines } = await prepareConfiguration(t, {
      settings: { plugins: ['mounted'], clients: { use: 'own' } },
      files: { 'mounted/client-stores/own.js': store },
    })
    t.is(prepared, undefined)
    t.is(lines.length, 1)
    t.regex(lines[0] ?? '', /^error vouchgate\.yaml:\d+:\d+: clients: client-stores\/own /)
    t.regex(lines[0] ?? '', fault)
  })
}

test('the plugins that somebody wrote in TypeScript compile against the contract', async (t) => {
  const folder = temporaryFolder(t, {
    ...API_KEY_TYPESCRIPT,
    'package.json': '{ "type": "module" }',
    'tsconfig.json': JSON.stringify({
      extends: fileURLToPath(new URL('../../tsconfig.json', import.meta.url)),
      compilerOptions: {
        typeRoots: [fileURLToPath(new URL('../../node_modules/@types', import.meta.url))],
        paths: {
          '#contract': [fileURLToPath(new URL('../../src/contract/index.ts', import.meta.url))],
        },
      },
      include: ['.'],
    }),
  })
  const tsc = fileURLToPath(new URL('../../node_modules/typescript/bin/tsc', import.meta.url))
  const compile = async () => {
    const run = promisify(execFile)(process.execPath, [tsc, '--noEmit', '-p', folder])
    return run.then(
      () => '',
      ({ stdout }: { stdout: string }) => stdout,
    )
  }
  t.is(await compile(), '')
  // A refusal that gives no reason, and evidence that its parser never produces.
  const file = 'validators/api-key/index.ts'
  const wrong = API_KEY_TYPESCRIPT[file]
    ?.replace(`{ ok: false, reason: 'api-key-unknown' }`, '{ ok: false }')
    .replace('credential.key', 'credential.secret')
  writeFileSync(path.join(folder, file), wrong ?? '')
  const errors = await compile()
  t.regex(errors, /Property 'secret' does not exist/)
  t.regex(errors, /validate.*|Property 'reason' is missing/)
})

/** Imports plugins of somebody. @returns them by file */
async function imported(files: Files): Promise<ReadonlyMap<string, Plugin<unknown, unknown>>> {
  const modules = Object.entries(files).filter(
    ([name]) => name.startsWith('parsers') || name.startsWith('identity'),
  )
  const loaded = modules.map(async ([name, text]) => {
    const source = text.replace('module.exports =', 'export default')
    const url = `data:text/${name.endsWith('.ts') ? 'typescript' : 'javascript'},${encodeURIComponent(source)}`
    const module = (await import(url)) as { default: Plugin<unknown, unknown> }
    return [name, module.default] as const
  })
  return new Map(await Promise.all(loaded))
}

for (const [name, plugin] of await imported(API_KEY_JAVASCRIPT)) {
  if (name.startsWith('parsers')) {
    parserContract(test, `somebody's ${name}`, () => setUp(plugin as Plugin<Slots['parsers']>))
  } else {
    identityHeadersContract(test, `somebody's ${name}`, () =>
      setUp(plugin as Plugin<Slots['identity-headers']>),
    )
  }
}

test('a parser that answers later is a refusal, and is named in the log', async (t) => {
  const parser = `export default {
    contract: 1,
    setup: () => ({ method: 'late', produces: 'shared_secret', async parse() {} }),
  }`
  const running = await startSidecar(t, {
    settings: { plugins: ['mounted'] },
    files: { 'mounted/parsers/late.js': parser },
  })
  for (const request of [tokenRequest(), { path: '/parts' }]) {
    const answer = await running.send(request)
    t.is(answer.status, 500)
    t.like(running.refusalOf(answer), {
      reason: 'plugin-error',
      got: 'parsers/late: returned a promise; a parser has to answer at once',
    })
    t.deepEqual(running.arrivedOf(answer), [])
  }
})
