import { readFileSync } from 'node:fs'

import test from 'ava'
import { decodeJwt } from 'jose'

import { prepareConfiguration } from '../support/prepare-configuration.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { tokenOf, tokenRequest } from '../support/token-request.ts'

const SECTION = readFileSync(new URL('fixtures/identityserver.json', import.meta.url), 'utf8')
const FILES = {
  settings: { clients: 'identityserver.json', resources: 'identityserver.json' },
  files: { 'identityserver.json': SECTION },
}

test('a section of IdentityServer is read as it stands', async (t) => {
  const { prepared, lines } = await prepareConfiguration(t, FILES)
  const [batch, scanner, portal] = prepared?.clients ?? []
  t.like(batch, {
    clientId: 'warehouse.batch',
    clientName: 'Warehouse, nightly batch',
    enabled: true,
    requireClientSecret: true,
    allowedGrantTypes: ['client_credentials'],
    allowedScopes: ['orders.read', 'orders.write'],
    accessTokenType: 'Jwt',
    accessTokenLifetime: 900,
    claims: [{ type: 'tenant', value: 'north' }],
    clientClaimsPrefix: '',
  })
  t.deepEqual(
    batch?.clientSecrets.map(({ type, expiration }) => [type, expiration?.toISOString()]),
    [
      ['SharedSecret', undefined],
      // A time without a zone is UTC.
      ['SharedSecret', '2020-12-31T23:59:59.000Z'],
    ],
  )
  t.deepEqual(
    scanner?.clientSecrets.map(({ type }) => type),
    ['X509Thumbprint', 'X509Name', 'JWK'],
  )
  t.is(scanner?.accessTokenType, 'Reference')
  t.is(scanner?.clientClaimsPrefix, 'client_')
  t.like(portal, { clientId: 'portal', enabled: false, clientSecrets: [], accessTokenType: 'Jwt' })
  t.false('redirectUris' in (portal ?? {}))
  t.deepEqual(
    prepared?.resources.map(({ name, scopes }) => [name, scopes]),
    [
      ['orders', ['orders.read', 'orders.write']],
      ['stock', ['stock.read']],
    ],
  )
  // What should be looked at is noted where it stands; nothing of it is an error.
  t.deepEqual(
    lines.map((line) => line.slice(0, 50)),
    [
      'note identityserver.json:25:27: client "warehouse.',
      'note identityserver.json:50:22: client "scanner", ',
      'note identityserver.json:60:22: client "scanner", ',
    ],
  )
})

test('a client of that section gets its token', async (t) => {
  const running = await startSidecar(t, FILES)
  const form = {
    client_id: 'warehouse.batch',
    client_secret: '511536EF-F270-4058-80CA-1C89C192F69A',
  }
  const claims = decodeJwt(tokenOf(t, await running.send(tokenRequest({ form }))))
  t.like(claims, { client_id: 'warehouse.batch', aud: 'orders', tenant: 'north' })
  t.is((claims.exp ?? 0) - (claims.iat ?? 0), 900)
})

test('the section may stand without its heading, as a bare list, or in a folder of files', async (t) => {
  const { IdentityServer: inner } = JSON.parse(SECTION.replaceAll(/^ *\/\/.*$/gm, '')) as {
    IdentityServer: { Clients: readonly unknown[] }
  }
  const [first, ...others] = inner.Clients
  for (const [clients, files] of [
    ['c.json', { 'c.json': JSON.stringify(inner) }],
    ['c.json', { 'c.json': JSON.stringify(inner.Clients) }],
    [
      'c',
      {
        'c/a.json': JSON.stringify({ Clients: others }),
        'c/b.yaml': JSON.stringify([first]),
        'c/c.yml': 'clients: []',
        'c/.hidden.json': '{',
        'c/notes.txt': '{',
      },
    ],
  ] as const) {
    const { prepared } = await prepareConfiguration(t, { settings: { clients }, files })
    t.deepEqual(prepared?.clients.map(({ clientId }) => clientId).toSorted(), [
      'portal',
      'scanner',
      'warehouse.batch',
    ])
  }
})

test('a setting that protects tokens is taken over', async (t) => {
  const clients = [{ ClientId: 'a', RequireDPoP: true }]
  const { prepared, lines } = await prepareConfiguration(t, { clients })
  t.deepEqual(lines, [])
  t.true(prepared?.clients[0]?.requireDPoP)
})
