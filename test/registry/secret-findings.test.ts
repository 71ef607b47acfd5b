import { generateKeyPairSync } from 'node:crypto'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { pki } from '../support/pki.ts'
import { startSidecar } from '../support/start-sidecar.ts'

const publicKey = (namedCurve = 'P-256') =>
  generateKeyPairSync('ec', { namedCurve }).publicKey.export({ format: 'jwk' })

async function disabled(t: ExecutionContext, clientSecrets: readonly object[]) {
  const clients = [
    { clientId: 'orders', clientSecrets },
    { clientId: 'other', clientSecrets: clientSecrets.slice(0, 1) },
  ]
  const { log, folder } = await startSidecar(t, { clients })
  t.truthy(folder)
  const text = JSON.stringify({ clients }, null, 2)
  return log
    .filter(({ event }) => event === 'config.disabled')
    .map(({ at, message }) => {
      const line = Number(String(at).split(':')[1])
      return { line: text.split('\n')[line - 1]?.trim(), message: String(message) }
    })
}

const jwk = (members: object, description: string) => ({
  type: 'JWK',
  description,
  value: JSON.stringify(members),
})

test('two keys of one client with one kid: the later is left out and named, those of another client are not', async (t) => {
  const found = await disabled(t, [
    jwk({ ...publicKey(), kid: 'a' }, 'first'),
    jwk({ ...publicKey(), kid: 'a' }, 'second'),
    jwk({ ...publicKey(), kid: 'b' }, 'third'),
    {
      type: 'JWKS',
      description: 'set',
      value: JSON.stringify({ keys: [{ ...publicKey(), kid: 'b' }] }),
    },
  ])
  t.is(found.length, 2)
  t.regex(found[0]?.message ?? '', /^client "orders", secret "second": .*same kid a/)
  t.regex(found[0]?.line ?? '', /^"value"/)
  t.regex(found[1]?.message ?? '', /^client "orders", secret "set": .*same kid b/)
})

test('an expired key takes no kid away', async (t) => {
  const old = jwk({ ...publicKey(), kid: 'a' }, 'old')
  const found = await disabled(t, [
    { ...old, expiration: '2020-01-01' },
    jwk({ ...publicKey(), kid: 'a' }, 'new'),
  ])
  t.deepEqual(found, [])
})

test('a weak key is left out, with client and secret named', async (t) => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 }).publicKey
  const { client } = await pki()
  const found = await disabled(t, [
    jwk(publicKey(), 'good'),
    jwk(weak.export({ format: 'jwk' }), 'weak'),
    jwk({ ...publicKey(), y: client.publicKeyJwk.y }, 'off its curve'),
    jwk(publicKey('secp256k1'), 'koblitz'),
  ])
  t.deepEqual(
    found.map(({ message }) => /^client "orders", secret "(.*?)"/.exec(message)?.[1]),
    ['weak', 'off its curve', 'koblitz'],
  )
})

test('a fault stands where the property does, and is said once though two validators own the type', async (t) => {
  const found = await disabled(t, [
    jwk(publicKey(), 'good'),
    { type: 'X509Name', value: 'CN=a', anchors: 'tenant-x', description: 'set' },
    { type: 'X509IssuerSubject', value: 'CN=a', issuer: 'nonsense', description: 'issuer' },
    { type: 'X509SanDns', value: '*.example', description: 'wildcard' },
    { type: 'X509Anchor', value: 'tenant-x', description: 'anchor' },
    { type: 'X509Thumbprint', value: '0'.repeat(64), anchors: 'default', description: 'print' },
    { type: 'JWKSUri', value: 'https://keys.test/jwks', description: 'uri' },
  ])
  t.deepEqual(
    found.map(({ line, message }) => [/secret "(.*?)"/.exec(message)?.[1], line?.split(':')[0]]),
    [
      ['set', '"anchors"'],
      ['issuer', '"issuer"'],
      ['wildcard', '"value"'],
      ['anchor', '"value"'],
      ['print', '"anchors"'],
      ['uri', '"value"'],
    ],
  )
})
