import { readdirSync } from 'node:fs'

import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { writeConfiguration } from '../support/start-sidecar.ts'
import { vouchgate } from './support/vouchgate.ts'

test('what is well is said to be, and nothing is written or opened', async (t) => {
  const folder = writeConfiguration(t, await pki(), 1, {
    clients: [secretClient('a', 'b')],
    settings: { state: { use: 'sqlite', path: 'data/state.db' } },
  })
  const before = readdirSync(folder)
  const { code, stdout, stderr } = await vouchgate(['check'], { cwd: folder })
  t.is(code, 0, stderr)
  t.regex(stdout, /^vouchgate\.yaml: ok, 1 client, \d+ plugins\n$/)
  t.is(stderr, '')
  t.deepEqual(readdirSync(folder), before)
})

test('all that is wrong is said at once, of every file, each where it stands', async (t) => {
  const { client } = await pki()
  const folder = writeConfiguration(t, await pki(), 1, {
    settings: {
      plugins: ['mounted'],
      routes: [{ path: 'orders' }, { path: '/a/**/b' }],
      identity: { headers: ['none'] },
      state: { use: 'mongo' },
    },
    clients: [
      { clientId: 'a', clientSecrets: [{ value: 'AAAA' }] },
      { clientId: 'a' },
      { clientId: 'b', claims: 3 },
    ],
    files: {
      'ca.crt': client.pem,
      'tls.key': client.key,
      'mounted/parsers/broken.js': 'export default {}',
      'resources.yaml': 'resources: [{ name: 3 }]',
    },
  })
  const { code, stdout, stderr } = await vouchgate(['check'], { cwd: folder })
  t.is(code, 2)
  t.is(stdout, '')
  const lines = stderr.trim().split('\n')
  for (const line of [
    /^mounted\/parsers\/broken\.js: plugin parsers\/broken does not say its contract/,
    /^clients\.yaml:\d+:\d+: client "a", secret "SharedSecret": /,
    /^clients\.yaml:\d+:\d+: client "a" is defined already at clients\.yaml:\d+:\d+$/,
    /^clients\.yaml:\d+:\d+: client "b": claims: must be a list, is a number$/,
    /^resources\.yaml:1:21: resource 1: name: must be text, is a number$/,
    /^vouchgate\.yaml:\d+:\d+: listen\.key: .*tls\.key is not the key of .*tls\.crt$/,
    /^vouchgate\.yaml:\d+:\d+: trust\.anchors: .*ca\.crt holds a certificate that is no authority/,
    /^vouchgate\.yaml:\d+:\d+: routes\.0\.path: must begin with "\/"$/,
    /^vouchgate\.yaml:\d+:\d+: routes\.1\.path: "\*\*" may only stand at the end$/,
    /^vouchgate\.yaml:\d+:\d+: identity\.headers\.0: there is no plugin identity-headers\/none; there is .*generic/,
    /^vouchgate\.yaml:\d+:\d+: there is no plugin state-stores\/mongo; there is .*sqlite/,
  ]) {
    t.is(lines.filter((one) => line.test(one)).length, 1, `${line.source}\n${stderr}`)
  }
  t.is(lines.at(-1), 'vouchgate.yaml: 11 faults')
  t.is(lines.length, 12, stderr)
})

test('a malformed secret, which only warns when it serves, is a fault here', async (t) => {
  const folder = writeConfiguration(t, await pki(), 1, {
    clients: [{ clientId: 'a', clientSecrets: [{ value: { env: 'NOPE' } }] }],
  })
  const { code, stderr } = await vouchgate(['check'], { cwd: folder })
  t.is(code, 2)
  t.regex(
    stderr,
    /^clients\.yaml:\d+:\d+: client "a": .*NOPE is not set\nvouchgate\.yaml: 1 fault\n$/,
  )
  t.is((await vouchgate(['check'], { cwd: folder, env: { NOPE: 'x' } })).code, 2)
})

test('a note is no fault', async (t) => {
  const folder = writeConfiguration(t, await pki(), 1, {
    clients: [
      { clientId: 'a', clientSecrets: [{ type: 'X509Thumbprint', value: 'A'.repeat(40) }] },
    ],
  })
  const { code, stderr } = await vouchgate(['check'], { cwd: folder })
  t.is(code, 0)
  t.regex(stderr, /^note: clients\.yaml:\d+:\d+: client "a", .*SHA-1.*\n$/)
})
