import { readFileSync } from 'node:fs'

import test from 'ava'

import { settingsJsonSchema } from '../../src/config/json-schema.ts'
import type { JsonSchema } from '../../src/config/json-schema.ts'
import { LEAST, read, readWith } from './support/read.ts'

const FILE = new URL('../../config/vouchgate.schema.json', import.meta.url)

test('config/vouchgate.schema.json is the schema of the configuration', (t) => {
  const isSame = readFileSync(FILE, 'utf8') === `${JSON.stringify(settingsJsonSchema(), null, 2)}\n`
  t.true(isSame, 'npm run schema writes it anew')
})

interface Setting {
  readonly path: readonly PropertyKey[]
  readonly schema: JsonSchema
}

function settings(schema: JsonSchema, path: readonly PropertyKey[] = []): readonly Setting[] {
  const below = [schema, ...(schema.anyOf ?? [])].flatMap((node) => [
    ...Object.entries(node.properties ?? {}).flatMap(([name, child]) =>
      settings(child, [...path, name]),
    ),
    ...(node.items?.properties ? settings(node.items, [...path, 0]) : []),
  ])
  return [{ path, schema }, ...below]
}

const ALL = settings(settingsJsonSchema()).filter(({ path }) => typeof path.at(-1) === 'string')

test('every setting says what it is for', (t) => {
  t.true(ALL.length > 40)
  const silent = ALL.filter(({ path, schema }) => {
    const isGroup = schema.properties !== undefined
    const isReference = ['encryptionKey', 'secret'].includes(String(path.at(-2)))
    return !isGroup && !isReference && schema.description === undefined
  })
  t.deepEqual(
    silent.map(({ path }) => path.join('.')),
    [],
  )
})

const ENV = { env: { SECRET: 'secret' } }

test('a default that the schema names is accepted', (t) => {
  for (const { path, schema } of ALL) {
    if (schema.default === undefined) continue
    // Beside it something may be missing that only those must say who say anything there.
    const { lines } = read(t, JSON.stringify(put(path, schema.default)), ENV)
    const own = lines.filter((line) => line.includes(`: ${path.join('.')}: `))
    t.deepEqual(own, [])
  }
})

// What has turned checks off in other programs: a value that is no clear yes or no.
const UNCLEAR = [null, '', 'false', 'no', 0, 1, [], {}]
const CHOICES = ALL.filter(({ schema }) => schema.type === 'boolean' || schema.enum)

for (const { path, schema } of CHOICES) {
  const name = path.join('.')
  test(`${name} is refused when it is no clear value`, (t) => {
    for (const value of UNCLEAR) {
      const { settings: made, lines } = read(t, JSON.stringify(put(path, value)), ENV)
      t.is(made, undefined)
      const words = schema.enum
        ? `must be one of ${schema.enum.join(', ')}`
        : 'must be true or false'
      const own = lines.filter((line) => line.includes(`: ${name}: ${words}`))
      t.is(own.length, 1, JSON.stringify([value, lines]))
    }
  })
}

test('a choice that is not made is the careful one', (t) => {
  const lists = { routes: [{ path: '/x' }], issuers: [element('issuers', 'introspection')] }
  const { settings: made } = read(t, JSON.stringify({ ...LEAST, ...lists }), ENV)
  t.deepEqual(
    [
      made?.listen.clientCertificates,
      made?.listen.http2.enabled,
      made?.identity.forwardAuthorization,
      made?.routes[0]?.public,
      made?.routes[0]?.forwardAuthorization,
      made?.forwarded.headers,
      made?.forwarded.write,
      made?.forwarded.proxies.length,
      made?.compatibility,
      made?.upstream.protocol,
      made?.dpop.nonce,
      made?.issuers[0]?.insecure,
      made?.issuers[0]?.introspection?.opaqueTokens,
      made?.issuers[0]?.introspection?.method,
    ],
    [
      'optional',
      true,
      false,
      undefined,
      undefined,
      'x-forwarded',
      'x-forwarded',
      0,
      'none',
      'http1',
      'off',
      false,
      false,
      'client_secret_basic',
    ],
  )
  t.is(CHOICES.length, 25, 'a new choice: say above what it is when it is not made')
})

test('a choice that the environment leaves empty is refused', (t) => {
  const env = {
    VOUCHGATE_IDENTITY_FORWARD_AUTHORIZATION: '',
    VOUCHGATE_LISTEN_CLIENT_CERTIFICATES: '',
  }
  t.deepEqual(readWith(t, {}, { env }).lines, [
    'VOUCHGATE_LISTEN_CLIENT_CERTIFICATES: listen.clientCertificates: must be one of none, optional, required',
    'VOUCHGATE_IDENTITY_FORWARD_AUTHORIZATION: identity.forwardAuthorization: must be true or false, is empty',
  ])
})

const ISSUER = { issuer: 'https://login.example', clients: { there: 'here' } }

/** What an element of a list needs beside the value that is tried. */
function element(list: PropertyKey, group: PropertyKey | undefined): object {
  if (list === 'routes') return { path: '/' }
  return group === 'introspection'
    ? { ...ISSUER, introspection: { clientId: 'us', secret: { env: 'SECRET' } } }
    : { ...ISSUER, audience: ['api'], jwks: {} }
}

/** The least configuration with one value put at a path. */
function put(path: readonly PropertyKey[], value: unknown): unknown {
  return within(LEAST, path, value, '')
}

function within(
  before: unknown,
  [step, ...rest]: readonly PropertyKey[],
  value: unknown,
  above: PropertyKey,
): unknown {
  if (step === undefined) return value
  if (typeof step === 'number') return [within(element(above, rest[0]), rest, value, above)]
  const inner = (before as Record<PropertyKey, unknown> | undefined)?.[step]
  return { ...(before as object | undefined), [step]: within(inner, rest, value, step) }
}
