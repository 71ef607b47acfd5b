import test from 'ava'
import { calculateJwkThumbprint, decodeJwt, exportPKCS8, generateKeyPair, exportJWK } from 'jose'

import { secretClient } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { vouchgate } from './support/vouchgate.ts'
import type { RunOptions } from './support/vouchgate.ts'

/** A sidecar that several tests ask, and the files of its clients. */
async function start(t: import('ava').ExecutionContext) {
  const authorities = await pki()
  const { client, selfSignedClient, rootCa } = authorities
  const [ec, rsa] = await Promise.all([
    generateKeyPair('ES256', { extractable: true }),
    generateKeyPair('PS256', { extractable: true }),
  ])
  const ecJwk = await exportJWK(ec.privateKey)
  const kid = await calculateJwkThumbprint(ecJwk)
  const { d: _, ...ecPublic } = ecJwk
  const key = (clientId: string, jwk: object) => ({
    clientId,
    clientSecrets: [{ type: 'JWK', value: JSON.stringify(jwk) }],
    allowedScopes: ['read', 'write'],
  })
  const running = await startSidecar(t, {
    clients: [
      secretClient('secret', 'a secret: of +&% ü'),
      {
        clientId: 'thumbprint',
        clientSecrets: [{ type: 'X509Thumbprint', value: selfSignedClient.x509.fingerprint256 }],
      },
      { clientId: 'name', clientSecrets: [{ type: 'X509Name', value: 'CN=client, O=Example' }] },
      key('ec', { ...ecPublic, kid }),
      key('rsa', await exportJWK(rsa.publicKey)),
    ],
    settings: { issuer: 'https://localhost:1' },
  })
  const folder = temporaryFolder(t, {
    'ca.pem': rootCa.pem,
    'client.pem': client.cert,
    'client.key': client.key,
    'self.pem': selfSignedClient.cert,
    'self.key': selfSignedClient.key,
    'ec.jwk': JSON.stringify({ ...ecJwk, kid }),
    'rsa.pem': await exportPKCS8(rsa.privateKey),
  })
  const ask = (args: readonly string[], options: RunOptions = {}) =>
    vouchgate(
      [
        'token',
        'https://localhost:1',
        '--ca',
        'ca.pem',
        '--endpoint',
        `https://localhost:${running.port}/connect/token`,
        ...args,
      ],
      { cwd: folder, ...options },
    )
  return { running, ask, folder }
}

const last = ({ log }: Running) => log.findLast(({ event }) => event === 'request.refused')

test('it gets a token by every method', async (t) => {
  const { ask } = await start(t)
  const input = 'a secret: of +&% ü\n'
  for (const [client, args, options] of [
    ['secret', ['--method', 'client_secret_basic'], { input }],
    ['secret', ['--method', 'client_secret_post'], { input }],
    ['secret', ['--secret-env', 'SECRET'], { env: { SECRET: input.trim() } }],
    [
      'thumbprint',
      ['--method', 'self_signed_tls_client_auth', '--cert', 'self.pem', '--key', 'self.key'],
      {},
    ],
    ['name', ['--method', 'tls_client_auth', '--cert', 'client.pem', '--key', 'client.key'], {}],
    ['ec', ['--method', 'private_key_jwt', '--assertion-key', 'ec.jwk'], {}],
    ['rsa', ['--method', 'private_key_jwt', '--assertion-key', 'rsa.pem', '--alg', 'PS256'], {}],
    ['rsa', ['--method', 'private_key_jwt', '--assertion-key', 'rsa.pem'], {}],
  ] as const) {
    const { code, stdout, stderr } = await ask(['--client', client, ...args], options)
    t.is(code, 0, `${args.join(' ')}: ${stderr}`)
    const answer = JSON.parse(stdout) as { access_token: string; token_type: string }
    t.is(answer.token_type, 'Bearer')
    t.is(decodeJwt(answer.access_token)['client_id'], client)
  }
})

test('it asks for scopes, prints the token alone, and finds the endpoint by discovery', async (t) => {
  const { running, folder } = await start(t)
  // Discovery has to name the port that the sidecar was given.
  const port = running.port
  running.configure({ issuer: `https://localhost:${port}` })
  t.true(await running.sidecar.reload())
  const { code, stdout, stderr } = await vouchgate(
    [
      'token',
      `https://localhost:${port}/`,
      '--ca',
      'ca.pem',
      '--client',
      'ec',
      '--method',
      'private_key_jwt',
      '--assertion-key',
      'ec.jwk',
      '--scope',
      'read',
      '--only-token',
    ],
    { cwd: folder },
  )
  t.is(code, 0, stderr)
  t.like(decodeJwt(stdout.trim()), {
    client_id: 'ec',
    scope: 'read',
    iss: `https://localhost:${port}`,
  })
  t.is(stdout.split('\n').length, 2)
})

test('a refusal is told with the id under which the log of the server says why', async (t) => {
  const { ask, running } = await start(t)
  const { code, stdout, stderr } = await ask(['--client', 'secret'], { input: 'wrong' })
  t.is(code, 1)
  t.is(stdout, '')
  t.regex(
    stderr,
    /^vouchgate token: refused with 401: \{"error":"invalid_client".*; the log of the server says why under [\w-]+\n$/,
  )
  t.true(stderr.includes(String(last(running)?.['requestId'])))
})

test('what keeps it from asking is told with what to do about it', async (t) => {
  const { ask, folder } = await start(t)
  const cases = [
    [
      ask(['--client', 'secret', '--ca', 'self.pem'], { input: 'x' }),
      /not trusted; name its authority with --ca$/,
    ],
    [ask(['--client', 'secret', '--ca', 'none.pem'], { input: 'x' }), /there is no such file$/],
    [
      ask(['--client', 'secret', '--secret-env', 'NOPE']),
      /the environment variable NOPE is not set$/,
    ],
    [
      ask(['--client', 'ec', '--method', 'private_key_jwt', '--assertion-key', 'ca.pem']),
      /^vouchgate token: /,
    ],
    [
      vouchgate(['token', 'https://127.0.0.1:1', '--client', 'a'], { cwd: folder }),
      /ECONNREFUSED.*; nobody listens there; is the sidecar running\?$/,
    ],
  ] as const
  for (const [asked, message] of cases) {
    const { code, stdout, stderr } = await asked
    t.is(code, 1, stderr)
    t.is(stdout, '')
    t.regex(stderr.trim(), message)
    t.is(stderr.trim().split('\n').length, 1, stderr)
  }
})
