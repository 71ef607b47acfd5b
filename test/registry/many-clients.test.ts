import test from 'ava'

import { registryOf } from '../../src/registry/registry.ts'
import { sha256 } from '../support/clients.ts'
import { prepareConfiguration } from '../support/prepare-configuration.ts'

const COUNT = 100_000

const HASH = sha256('right')
const thumbprint = (index: number) => index.toString(16).toUpperCase().padStart(64, '0')

function definition(index: number) {
  return {
    clientId: `client-${index}`,
    clientName: `Client number ${index}`,
    clientSecrets: [
      { value: HASH, description: 'generated' },
      { type: 'X509Thumbprint', value: thumbprint(index), expiration: '2099-01-01' },
    ],
    allowedScopes: ['read', 'write'],
  }
}

test('a hundred thousand clients are loaded, found by id and by certificate, and located', async (t) => {
  const clients: Record<string, unknown>[] = Array.from({ length: COUNT }, (_, i) => definition(i))
  clients[70_000] = { ...definition(70_000), clientSecrets: [{ value: 'AAAA' }, { value: HASH }] }
  // Two clients with one certificate: it says of neither who they are.
  const shared = { type: 'X509Thumbprint', value: thumbprint(COUNT) }
  clients[3] = { ...definition(3), clientSecrets: [shared] }
  clients[99_999] = { ...definition(99_999), clientSecrets: [shared] }
  const text = JSON.stringify({ clients }, null, 1)
  const line = text.slice(0, text.indexOf('"AAAA"')).split('\n').length
  const { prepared, lines } = await prepareConfiguration(t, {
    settings: { clients: 'clients.json' },
    files: { 'clients.json': text },
  })
  t.is(lines.length, 1)
  t.true(
    lines[0]?.startsWith(`disabled clients.json:${line}:15: client "client-70000", `),
    lines[0],
  )

  const loaded = prepared?.clients ?? []
  t.is(loaded.length, COUNT)
  t.is(loaded[70_000]?.clientSecrets.length, 1)
  const validators = prepared?.plugins.of('validators').map(({ part }) => part) ?? []
  const registry = registryOf(loaded, (type) =>
    validators.filter(({ secretTypes }) => secretTypes.includes(type)),
  )
  t.is(registry.size, COUNT)
  for (const index of [0, 1, 4711, 50_000, 99_998]) {
    t.is(registry.find(`client-${index}`), loaded[index])
    t.is(registry.findByKeys([`x509-sha256:${thumbprint(index)}`]), loaded[index])
  }
  t.is(registry.find('client-100000'), undefined)
  t.is(registry.find('Client-1'), undefined)
  t.is(registry.findByKeys([`x509-sha256:${thumbprint(COUNT)}`]), 'ambiguous')
  t.is(registry.findByKeys([`x509-sha256:${thumbprint(COUNT + 1)}`]), undefined)
  t.is(registry.findByKeys([]), undefined)
})

test('one peculiarity of all clients is noted a few times and then counted', async (t) => {
  const clients = Array.from({ length: 50 }, (_, index) => ({
    clientId: `client-${index}`,
    clientSecrets: [
      { value: HASH, expiration: `2020-01-${String((index % 28) + 1).padStart(2, '0')}` },
    ],
  }))
  const { prepared, lines } = await prepareConfiguration(t, { clients })
  t.is(prepared?.clients.length, 50)
  t.is(lines.length, 11)
  t.regex(
    lines[9] ?? '',
    /^note clients\.yaml:\d+:\d+: client "client-9", secret "SharedSecret": expired on 2020-01-10/,
  )
  t.is(lines[10], 'note clients: the same of 40 more secrets: expired on 2020-01-01T00:00:00.000Z')
})
