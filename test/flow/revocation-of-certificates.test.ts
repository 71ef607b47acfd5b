import { renameSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { extension, mintChain, sharedKey, usages } from '../certificates/path/mint.ts'
import type { Chain, Extension } from '../certificates/path/mint.ts'
import { mintCrl, mintOcsp } from '../certificates/path/mint-revocation.ts'
import type { OcspMinting } from '../certificates/path/mint-revocation.ts'
import {
  distributionPoint,
  responderAt,
  revocationServer,
} from '../certificates/revocation/revocation-server.ts'
import { openConnection } from '../support/open-connection.ts'
import { pki } from '../support/pki.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running, StartOptions } from '../support/start-sidecar.ts'
import { assertRefused, INVALID_CLIENT, tokenOf, tokenRequest } from '../support/token-request.ts'

const DAY = 86_400_000
const LEAF = 3
const begun = Date.now()
const times = { from: new Date(begun - DAY), until: new Date(begun + DAY) }
const usual = [extension.notCa, extension.keyUsage(0), extension.usage(usages.client)]
const key = sharedKey.privateKey.export({ format: 'pem', type: 'pkcs8' })
const REVOKED = { ...INVALID_CLIENT, reason: 'chain-revoked' }
const UNKNOWN = {
  status: 503,
  error: 'temporarily_unavailable',
  reason: 'chain-revocation-unknown',
}

/** A chain that is valid today. */
function chainWith(...more: Extension[]): Chain {
  const extensions = [...usual, ...more]
  return mintChain({ root: times, ca: times, leaf: { ...times, extensions } })
}

function pem(der: Buffer, label = 'CERTIFICATE'): string {
  return `-----BEGIN ${label}-----\n${der.toString('base64')}\n-----END ${label}-----\n`
}

let issued = 0

/** A CRL that is newer than those before it. */
function crlOf({ caKey }: Chain, ...entries: number[]): Buffer {
  const from = new Date(begun - DAY + ++issued * 1000)
  return mintCrl({ issuer: 'CN=ca', signer: caKey, entries, from, until: times.until })
}

function ocspOf(chain: Chain, options: Partial<OcspMinting> = {}): Buffer {
  const from = new Date(begun - DAY + ++issued * 1000)
  return mintOcsp(chain, { signer: chain.caKey, from, until: times.until, ...options })
}

function start(t: ExecutionContext, { root }: Chain, revocation: object, more?: StartOptions) {
  return startSidecar(t, {
    settings: { trust: { anchors: ['root.crt'], revocation } },
    clients: [
      { clientId: 'orders', clientSecrets: [{ type: 'X509Name', value: 'O=bank, CN=client' }] },
    ],
    ...more,
    files: { 'root.crt': pem(root), ...more?.files },
  })
}

async function connect(t: ExecutionContext, { port }: Running, { leaf, ca }: Chain) {
  const cert = pem(leaf) + pem(ca)
  return openConnection(t, port, { ca: (await pki()).rootCa.pem, cert, key })
}

const request = tokenRequest({ form: { client_id: 'orders' } })

test('a CRL that is exchanged counts on connections that are open, without a reload', async (t) => {
  const chain = chainWith()
  const revocation = { mode: 'leaf', crls: ['ca.crl'] }
  const files = { 'ca.crl': pem(crlOf(chain), 'X509 CRL') }
  const sidecar = await start(t, chain, revocation, { files, watch: true })
  const connection = await connect(t, sidecar, chain)
  tokenOf(t, await connection.send(request))
  t.is((await connection.send({ path: '/orders' })).status, 200)

  // As a tool that fetches CRLs does it: whole files, moved into place.
  const replace = (crl: Buffer) => {
    writeFileSync(path.join(sidecar.folder, 'next.crl'), crl)
    renameSync(path.join(sidecar.folder, 'next.crl'), path.join(sidecar.folder, 'ca.crl'))
  }
  replace(crlOf(chain, LEAF))
  let answer = await connection.send(request)
  while (answer.status === 200) answer = await connection.send(request)
  assertRefused(t, sidecar, answer, REVOKED)
  const denied = await connection.send({ path: '/orders' })
  t.is(denied.status, 401)
  t.deepEqual(sidecar.arrivedOf(denied), [])
  t.false(sidecar.log.some(({ event }) => event === 'config.reloaded'))

  // What cannot be read leaves the revocation in place.
  replace(Buffer.from('garbage'))
  const fails = () => sidecar.log.some(({ event }) => event === 'revocation.source-fails')
  while (!fails()) assertRefused(t, sidecar, await connection.send(request), REVOKED)
  assertRefused(t, sidecar, await connection.send(request), REVOKED)
})

test('a CRL that does not exist or is none keeps the sidecar from starting, and a reload from taking place', async (t) => {
  const chain = chainWith()
  const revocation = { mode: 'leaf', crls: ['ca.crl'] }
  const error = await t.throwsAsync(start(t, chain, revocation))
  t.regex(error?.message ?? '', /vouchgate\.yaml:\d+:\d+: trust\.revocation\.crls: .*ENOENT/)
  const files = { 'ca.crl': crlOf(chain).toString('latin1') }
  await t.throwsAsync(start(t, chain, revocation, { files }), { message: /cannot be read/ })
  const sidecar = await start(t, chain, revocation, {
    files: { 'ca.crl': pem(crlOf(chain), 'X509 CRL') },
  })
  const connection = await connect(t, sidecar, chain)
  sidecar.write('ca.crl', 'garbage')
  t.false(await sidecar.sidecar.reload())
  tokenOf(t, await connection.send(request))
})

test('a reload takes other CRLs and rules', async (t) => {
  const chain = chainWith()
  const settings = (revocation?: object) => ({ trust: { anchors: ['root.crt'], revocation } })
  const rules = { mode: 'leaf', crls: ['ca.crl'] }
  const sidecar = await start(t, chain, rules, {
    files: { 'ca.crl': pem(crlOf(chain, LEAF), 'X509 CRL') },
  })
  const connection = await connect(t, sidecar, chain)
  assertRefused(t, sidecar, await connection.send(request), REVOKED)
  sidecar.write('ca.crl', pem(crlOf(chain), 'X509 CRL'))
  t.true(await sidecar.sidecar.reload())
  tokenOf(t, await connection.send(request))
  sidecar.configure(settings({ mode: 'leaf' }))
  t.true(await sidecar.sidecar.reload())
  assertRefused(t, sidecar, await connection.send(request), {
    ...INVALID_CLIENT,
    reason: 'chain-revocation-unknown',
  })
  sidecar.configure(settings({ mode: 'leaf', policy: 'soft' }))
  t.true(await sidecar.sidecar.reload())
  tokenOf(t, await connection.send(request))
})

test('revocation counts for the set of anchors that has it', async (t) => {
  const chain = chainWith()
  const name = { type: 'X509Name', value: 'O=bank, CN=client' }
  const sidecar = await start(
    t,
    chain,
    { mode: 'off' },
    {
      settings: {
        trust: {
          anchors: ['root.crt'],
          sets: {
            strict: { anchors: ['root.crt'], revocation: { mode: 'leaf', crls: ['ca.crl'] } },
          },
        },
      },
      files: { 'ca.crl': pem(crlOf(chain, LEAF), 'X509 CRL') },
      clients: [
        { clientId: 'orders', clientSecrets: [name] },
        { clientId: 'strict', clientSecrets: [{ ...name, anchors: 'strict' }] },
      ],
    },
  )
  const connection = await connect(t, sidecar, chain)
  tokenOf(t, await connection.send(request))
  const strict = tokenRequest({ form: { client_id: 'strict' } })
  assertRefused(t, sidecar, await connection.send(strict), REVOKED)
  tokenOf(t, await connection.send(request))
})

for (const [source, at, good, bad] of [
  [
    'CRL',
    (url: string) => distributionPoint(url),
    (chain: Chain) => crlOf(chain),
    (chain: Chain) => crlOf(chain, LEAF),
  ],
  [
    'OCSP responder',
    (url: string) => responderAt(url),
    (chain: Chain) => ocspOf(chain),
    (chain: Chain) => ocspOf(chain, { status: 'revoked' }),
  ],
] as const) {
  const fetch = (host: string) => ({ hosts: [host], maxAge: '1s', timeout: '500ms' })

  test(`a certificate that a ${source} revokes is refused on its open connection, in the time that is set`, async (t) => {
    const server = await revocationServer(t)
    const chain = chainWith(at(server.url('/status')))
    server.serve('/status', good(chain))
    const revocation = { mode: 'leaf', fetch: fetch(server.host) }
    const sidecar = await start(t, chain, revocation)
    const connection = await connect(t, sidecar, chain)
    tokenOf(t, await connection.send(request))
    const before = server.asked('/status')

    server.serve('/status', bad(chain))
    let answer = await connection.send(request)
    while (answer.status === 200) answer = await connection.send(request)
    assertRefused(t, sidecar, answer, REVOKED)
    t.true(server.asked('/status') > before)
    const form = await signAssertion('orders', sharedKey.privateKey.export({ format: 'jwk' }), {
      header: { x5c: [chain.leaf, chain.ca].map((der) => der.toString('base64')) },
    })
    assertRefused(t, sidecar, await sidecar.send(tokenRequest({ form })), REVOKED)
  })

  test(`while the ${source} is down strangers are refused, and the last good word counts on`, async (t) => {
    const server = await revocationServer(t)
    const chain = chainWith(at(server.url('/status')))
    const revocation = { mode: 'leaf', fetch: fetch(server.host) }
    const [hard, soft] = await Promise.all([
      start(t, chain, revocation),
      start(t, chain, { ...revocation, policy: 'soft' }),
    ])
    const kept = await start(t, chain, revocation)
    server.serve('/status', good(chain))
    const connection = await connect(t, kept, chain)
    tokenOf(t, await connection.send(request))

    await server.close()
    assertRefused(t, hard, await (await connect(t, hard, chain)).send(request), UNKNOWN)
    tokenOf(t, await (await connect(t, soft, chain)).send(request))
    const fails = () => kept.log.some(({ event }) => event === 'revocation.source-fails')
    while (!fails()) tokenOf(t, await connection.send(request))
    tokenOf(t, await connection.send(request))
    tokenOf(t, await (await connect(t, kept, chain)).send(request))
  })

  test(`a ${source} that never answers keeps nobody waiting for long, and nobody else`, async (t) => {
    const server = await revocationServer(t)
    const chain = chainWith(at(server.url('/status')))
    server.serve('/status', () => undefined)
    const sidecar = await start(
      t,
      chain,
      { mode: 'leaf', fetch: { hosts: [server.host], timeout: '1h' } },
      {
        clients: [
          { clientId: 'orders', clientSecrets: [{ type: 'X509Name', value: 'O=bank, CN=client' }] },
          {
            clientId: 'other',
            clientSecrets: [{ type: 'X509PublicKeyPin', value: '0'.repeat(64) }],
          },
        ],
      },
    )
    const connection = await connect(t, sidecar, chain)
    assertRefused(t, sidecar, await connection.send(request), UNKNOWN)
    t.is(server.asked('/status'), 1)
    // Who is known and who is not get the same answer.
    const unknown = await connection.send(tokenRequest({ form: { client_id: 'nobody' } }))
    const known = await connection.send(request)
    t.is(unknown.status, known.status)
    t.is(unknown.text, known.text)
  })
}

test('nothing is fetched for a certificate that nobody trusts', async (t) => {
  const server = await revocationServer(t)
  const places = [distributionPoint(server.url('/crl')), responderAt(server.url('/ocsp'))]
  const chain = chainWith(...places)
  const { selfSigned } = await pki()
  const fetch = { hosts: [server.host] }
  const sidecar = await start(t, chain, { mode: 'chain', fetch })
  const evil = await selfSigned({
    subject: 'O=bank, CN=client',
    extraExtensions: places.map(({ oid, value }) => ({ oid, value })),
  })
  const options = { ca: (await pki()).rootCa.pem, cert: evil.cert + pem(chain.ca), key: evil.key }
  const connection = await openConnection(t, sidecar.port, options)
  assertRefused(t, sidecar, await connection.send(request), {
    ...INVALID_CLIENT,
    reason: 'chain-untrusted',
  })
  t.is(server.asked('/crl') + server.asked('/ocsp'), 0)
})

test('settings that say nothing of the mode, or fetch from nowhere, are refused', async (t) => {
  const chain = chainWith()
  for (const [revocation, message] of [
    [{ crls: [] }, /trust\.revocation\.mode: is missing/],
    [{ mode: 'on' }, /trust\.revocation\.mode: must be one of off, leaf, chain/],
    [{ mode: 'leaf', fetch: {} }, /fetch\.hosts/],
    [{ mode: 'leaf', fetch: { hosts: [] } }, /fetch\.hosts: must not be empty/],
    [{ mode: 'leaf', fetch: { hosts: ['http://x'] } }, /is not host or host:port/],
    [{ mode: 'leaf', polcy: 'soft' }, /polcy: is not a known setting/],
    [{ mode: 'leaf', policy: null }, /policy/],
    [{ mode: 'leaf', fetch: { hosts: ['x'], maxAge: '0s' } }, /maxAge: must be between/],
  ] as const) {
    await t.throwsAsync(start(t, chain, revocation), { message })
  }
  await t.throwsAsync(
    start(t, chain, {}, { settings: { trust: { sets: { default: { anchors: ['root.crt'] } } } } }),
    { message: /trust\.sets/ },
  )
  await t.throwsAsync(
    start(t, chain, {}, { settings: { trust: { sets: { empty: { anchors: [] } } } } }),
    { message: /trust\.sets\.empty\.anchors: must not be empty/ },
  )
})
