import { once } from 'node:events'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { aboutToken, REVOCATION, tokenFor } from '../support/ask-about-token.ts'
import type { Asker } from '../support/ask-about-token.ts'
import { secretClient } from '../support/clients.ts'
import { eventually } from '../support/eventually.ts'
import { forgeToken } from '../support/forge-token.ts'
import { openWebSocket } from '../support/open-websocket.ts'
import type { OpenOptions, OpenWebSocket } from '../support/open-websocket.ts'
import { pki } from '../support/pki.ts'
import type { Ending } from '../support/recording-upstream.ts'
import { basic } from '../support/send.ts'
import { proofPair, signProof } from '../support/sign-proof.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import type { Running } from '../support/start-sidecar.ts'
import { ail, onStore } from '../support/state-plugin.ts'
import { tokenOf, tokenRequest } from '../support/token-request.ts'
import { webSocketUpstream } from '../support/websocket-upstream.ts'
import type { WebSocketUpstream } from '../support/websocket-upstream.ts'

const SECRET = 'a generated secret'
const BATCH: Asker = ['batch', SECRET]
const HANDLES: Asker = ['handles', SECRET]

async function clients(changes: Readonly<Record<string, object>> = {}) {
  const { client } = await pki()
  const certificate = [{ type: 'X509Thumbprint', value: client.x509.fingerprint256 }]
  return [
    secretClient('batch', SECRET),
    secretClient('handles', SECRET, { accessTokenType: 'Reference' }),
    { clientId: 'laptop', clientSecrets: certificate, allowedScopes: ['read'] },
  ].map((one) => ({ ...one, ...changes[String(one['clientId' as keyof typeof one])] }))
}

async function start(t: Ending, settings: Readonly<Record<string, unknown>> = {}) {
  const api = await webSocketUpstream(t)
  const sidecar = await startSidecar(t, {
    settings: {
      upstream: `http://127.0.0.1:${api.port}`,
      routes: [{ path: '/open', public: true }],
      ...settings,
    },
    clients: await clients(),
  })
  return { api, sidecar }
}

/** Long enough to open a connection on a busy machine. */
const inSeconds = (seconds: number) => Math.floor(Date.now() / 1000) + seconds

let running: Running
let upstream: WebSocketUpstream
const endings: (() => unknown)[] = []

test.before(async () => {
  const { api, sidecar } = await start({ teardown: (end) => endings.unshift(end) })
  running = sidecar
  upstream = api
})

test.after.always(async () => {
  for (const end of endings) await end()
})

const bearer = (token: string) => ({ headers: { authorization: `Bearer ${token}` } })

/** Asserts that it ends without a close frame, that the upstream sees that, and that the log says why. */
async function assertEnded(
  t: ExecutionContext,
  { sidecar, api }: { sidecar: Running; api: WebSocketUpstream },
  { ended, answer }: OpenWebSocket,
  reason: string,
) {
  t.is((await ended()).code, 1006)
  const requestId = answer.headers['x-request-id']
  t.like(
    sidecar.log.find((line) => line.event === 'tunnel.ended' && line['requestId'] === requestId),
    { reason, level: 'info' },
  )
  const isOf = ({ headers }: { headers: object }) =>
    'x-request-id' in headers && headers['x-request-id'] === requestId
  const url = api.arrived.find(isOf)?.url ?? ''
  await eventually(() => api.closes.find((closed) => closed.url === url))
}

let count = 0
const open = (t: ExecutionContext, options: OpenOptions, sidecar = running) =>
  openWebSocket(t, sidecar, { path: `/own-${++count}`, ...options })
const shared = () => ({ sidecar: running, api: upstream })

test('a connection ends when the token that it was opened with expires', async (t) => {
  const exp = inSeconds(8)
  const token = await forgeToken(running, 'batch', { claims: { exp, jti: 'expires' } })
  const opened = await open(t, bearer(token))
  t.is((await opened.ask('while it lasts')).toString(), 'while it lasts')
  await assertEnded(t, shared(), opened, 'token-expired')
  t.true(Date.now() >= exp * 1000)
})

for (const [kind, asker] of [
  ['JWT', BATCH],
  ['handle', HANDLES],
] as const) {
  test(`a connection ends when its token, a ${kind}, is revoked, and another one does not`, async (t) => {
    const [token, other] = [await tokenFor(running, asker), await tokenFor(running, asker)]
    const [opened, bystander] = [await open(t, bearer(token)), await open(t, bearer(other))]
    t.is((await running.send(aboutToken(REVOCATION, token, asker))).status, 200)
    await assertEnded(t, shared(), opened, 'token-revoked')
    t.is((await bystander.ask('still here')).toString(), 'still here')
  })
}

test('a connection that was opened with a DPoP proof ends with its token, not with its proof', async (t) => {
  const pair = await proofPair()
  const path = '/by-proof'
  const request = tokenRequest({
    form: { client_id: BATCH[0], client_secret: BATCH[1] },
    headers: {
      dpop: await signProof(pair, { url: `${running.issuer}/connect/token`, method: 'POST' }),
    },
  })
  const token = tokenOf(t, await running.send(request))
  const dpop = await signProof(pair, { url: `${running.issuer}${path}`, token })
  const opened = await open(t, { path, headers: { authorization: `DPoP ${token}`, dpop } })
  // Whatever is revoked, everybody is asked about.
  const other = await tokenFor(running, BATCH)
  const witness = await open(t, bearer(other))
  await running.send(aboutToken(REVOCATION, other, BATCH))
  await assertEnded(t, shared(), witness, 'token-revoked')
  t.is((await opened.ask('the proof was used once')).toString(), 'the proof was used once')
  await running.send(aboutToken(REVOCATION, token, BATCH))
  await assertEnded(t, shared(), opened, 'token-revoked')
})

test('what is left open when both are turned off stays open', async (t) => {
  const off = { closeAtExpiry: false, closeAtRevocation: false }
  const { sidecar } = await start(t, { upgrades: off })
  const exp = inSeconds(8)
  const token = await forgeToken(sidecar, 'batch', { claims: { exp, jti: 'stays' } })
  const opened = await open(t, bearer(token), sidecar)
  const revoked = await tokenFor(sidecar, BATCH)
  const second = await open(t, bearer(revoked), sidecar)
  await sidecar.send(aboutToken(REVOCATION, revoked, BATCH))
  // Another sidecar, on which the same would have ended them by then.
  const witness = await open(
    t,
    bearer(await forgeToken(running, 'batch', { claims: { exp: exp + 1, jti: 'witness' } })),
  )
  await assertEnded(t, shared(), witness, 'token-expired')
  t.is((await opened.ask('open')).toString(), 'open')
  t.is((await second.ask('open')).toString(), 'open')
})

test('without closing at expiry a connection outlives its token, but not its client', async (t) => {
  const both = await start(t, { upgrades: { closeAtExpiry: false } })
  const { sidecar } = both
  const exp = inSeconds(8)
  const token = await forgeToken(sidecar, 'batch', { claims: { exp, jti: 'outlived' } })
  const opened = await open(t, bearer(token), sidecar)
  const witness = await open(
    t,
    bearer(await forgeToken(running, 'batch', { claims: { exp: exp + 1, jti: 'witness-2' } })),
  )
  await assertEnded(t, shared(), witness, 'token-expired')
  t.is((await opened.ask('open')).toString(), 'open')
  const changed = await clients({ batch: { enabled: false } })
  sidecar.write('clients.yaml', JSON.stringify({ clients: changed }))
  t.true(await sidecar.sidecar.reload())
  await assertEnded(t, both, opened, 'client-disabled')
})

test('connections of a client that is disabled end, however it was proven; those of others do not', async (t) => {
  const both = await start(t)
  const { sidecar } = both
  const { cert, key } = sidecar.pki.client
  const byToken = await open(t, bearer(await tokenFor(sidecar, BATCH)), sidecar)
  const bySecret = await open(t, { headers: { authorization: basic(...BATCH) } }, sidecar)
  const byCertificate = await open(t, { cert, key }, sidecar)
  const other = await open(t, bearer(await tokenFor(sidecar, HANDLES)), sidecar)
  const nobody = await open(t, { path: '/open' }, sidecar)
  const changed = await clients({ batch: { enabled: false }, laptop: { enabled: false } })
  sidecar.write('clients.yaml', JSON.stringify({ clients: changed }))
  t.true(await sidecar.sidecar.reload())
  await assertEnded(t, both, byToken, 'client-disabled')
  await assertEnded(t, both, bySecret, 'client-disabled')
  t.is((await byCertificate.ended()).code, 1006)
  t.is((await other.ask('still here')).toString(), 'still here')
  t.is((await nobody.ask('still here')).toString(), 'still here')
})

test('connections end that the rules of a new configuration would not admit', async (t) => {
  const both = await start(t)
  const { sidecar, api } = both
  const byToken = await open(t, bearer(await tokenFor(sidecar, BATCH, { scope: 'read' })), sidecar)
  const headers = { authorization: basic(...BATCH) }
  const bySecret = await open(t, { headers }, sidecar)
  const special = await open(t, { headers, path: '/special' }, sidecar)
  sidecar.configure({
    upstream: `http://127.0.0.1:${api.port}`,
    routes: [
      { path: '/special', scopes: ['admin'] },
      { path: '/**', scopes: ['write'] },
    ],
  })
  t.true(await sidecar.sidecar.reload())
  await assertEnded(t, both, byToken, 'scope-missing')
  await assertEnded(t, both, special, 'scope-missing')
  t.is((await bySecret.ask('has it')).toString(), 'has it')
})

test('a connection on a route that was public ends when it is no longer, also by its method', async (t) => {
  const both = await start(t, {
    routes: [
      { path: '/open', public: true },
      { path: '/stays', public: true },
      { path: '/read', public: true },
    ],
  })
  const { sidecar, api } = both
  const path = '/open'
  const headers = { authorization: basic(...BATCH) }
  const nobody = await open(t, { path }, sidecar)
  const somebody = await open(t, { path, headers }, sidecar)
  const stays = await open(t, { path: '/stays' }, sidecar)
  const read = await open(t, { path: '/read' }, sidecar)
  sidecar.configure({
    upstream: `http://127.0.0.1:${api.port}`,
    routes: [
      { path: '/stays', public: true },
      { path: '/read', methods: ['POST'], public: true },
    ],
  })
  t.true(await sidecar.sidecar.reload())
  await assertEnded(t, both, nobody, 'route-not-public')
  await assertEnded(t, both, somebody, 'route-not-public')
  await assertEnded(t, both, read, 'route-not-public')
  t.is((await stays.ask('still public')).toString(), 'still public')
})

test('while nobody can say whether a token counts its connection stays, and ends once somebody can', async (t) => {
  const api = await webSocketUpstream(t)
  const options = onStore('websocket-lifetime', {
    settings: {
      plugins: { folders: ['mounted'], timeLimit: '200ms' },
      state: { use: 'shared', name: 'websocket-lifetime', trouble: 'trouble' },
      upstream: `http://127.0.0.1:${api.port}`,
      introspection: { cache: { maxAge: '0s' } },
      upgrades: { recheck: '1s' },
    },
    clients: await clients(),
  })
  const [sidecar, other] = [await startSidecar(t, options), await startSidecar(t, options)]
  const [token, witness] = [await tokenFor(sidecar, BATCH), await tokenFor(sidecar, HANDLES)]
  const exp = inSeconds(8)
  const forged = await forgeToken(sidecar, 'batch', { claims: { exp, jti: 'a clock' } })
  const [opened, second] = [
    await open(t, bearer(token), sidecar),
    await open(t, bearer(witness), sidecar),
  ]
  const clock = await open(t, bearer(forged), sidecar)
  ail(sidecar.folder, 'fails')
  t.is((await sidecar.send({ path: '/', ...bearer(token) })).status, 503)
  t.is((await clock.ended()).code, 1006)
  t.is((await opened.ask('still here')).toString(), 'still here')
  ail(sidecar.folder, undefined)
  t.is((await other.send(aboutToken(REVOCATION, token, BATCH))).status, 200)
  await assertEnded(t, { sidecar, api }, opened, 'token-revoked')
  t.is((await second.ask('still here')).toString(), 'still here')
})

test('a connection on which nothing is said ends, and one on which something is does not', async (t) => {
  const { sidecar, api } = await start(t, { upgrades: { idleTimeout: '400ms' } })
  const headers = { authorization: basic(...BATCH) }
  const silent = await open(t, { headers }, sidecar)
  const talking = await open(t, { headers }, sidecar)
  const timer = setInterval(() => talking.socket.ping(), 50)
  t.teardown(() => clearInterval(timer))
  t.is((await silent.ended()).code, 1006)
  t.is((await talking.ask('awake')).toString(), 'awake')
  await eventually(() => (api.closes.length === 1 ? true : undefined))
})

test('when we stop, connections stay for a while and are then ended; no new one is opened', async (t) => {
  const { sidecar, api } = await start(t)
  const headers = { authorization: basic(...BATCH) }
  const opened = await open(t, { headers }, sidecar)
  const stopped = sidecar.stop()
  t.is((await opened.ask('for a while')).toString(), 'for a while')
  t.is((await opened.ended()).code, 1006)
  t.true(await stopped, 'nothing that had an end was cut off')
  await eventually(() => (api.connections.size === 0 ? true : undefined))
})

test('a client that never reads does not keep us from stopping', async (t) => {
  const { sidecar } = await start(t)
  const opened = await open(t, { headers: { authorization: basic(...BATCH) } }, sidecar)
  opened.socket.pause()
  opened.socket.send(Buffer.alloc(8 * 2 ** 20))
  const ended = once(opened.socket, 'close')
  await sidecar.stop()
  opened.socket.resume()
  await ended
  t.pass()
})
