import { createServer } from 'node:http'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'

import test from 'ava'

import { secretClient, sha256 } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { basic, rawBasic } from '../support/send.ts'
import type { Received, SendOptions } from '../support/send.ts'
import { ASSERTION_TYPE, signAssertion } from '../support/sign-assertion.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { GRANT, TOKEN, tokenOf, tokenRequest } from '../support/token-request.ts'

const RIGHT = 'canary+right%41 secret'
const WRONG = 'canary-wrong-secret'
const PLAIN = 'canary-plain-secret'
const KEY = 'canary-encryption-key-of-32-or-more-characters'
const PATH_CANARY = 'canary-in-the-query'

test('no secret, token or assertion is in any log line, metric or error, whatever goes wrong', async (t) => {
  const { client, otherClient, selfSignedClient } = await pki()
  const running = await startSidecar(t, {
    settings: {
      log: { level: 'debug' },
      tokens: { encryptionKey: { env: 'KEY' } },
      routes: [
        { path: '/health', public: true },
        { path: '/admin', scopes: ['admin'] },
        { path: '/orders', methods: ['GET'] },
      ],
    },
    env: { KEY },
    clients: [
      {
        ...secretClient('batch', RIGHT, { basicDecoding: 'either' }),
        clientSecrets: [
          { value: sha256(RIGHT), description: 'sound' },
          { value: PLAIN, description: 'not hashed' },
          { type: 'X509Thumbprint', value: PLAIN, description: 'no thumbprint' },
          { type: 'X509CertificateBase64', value: client.key, description: 'a private key' },
          { type: 'JWK', value: JSON.stringify(client.privateKeyJwk), description: 'another' },
        ],
      },
      secretClient('strict', RIGHT),
      secretClient('off', RIGHT, { enabled: false }),
      {
        clientId: 'laptop',
        clientSecrets: [{ type: 'X509Thumbprint', value: selfSignedClient.x509.fingerprint256 }],
      },
      {
        clientId: 'signer',
        clientSecrets: [{ type: 'JWK', value: JSON.stringify(client.publicKeyJwk) }],
      },
    ],
  })
  const answers: Received[] = []
  const send = async (request: SendOptions) => {
    const answer = await running.send(request)
    answers.push(answer)
    return answer
  }
  const ask = (form: Readonly<Record<string, string>>, more: SendOptions = {}) =>
    send(tokenRequest({ form, ...more }))

  const token = tokenOf(t, await ask({ client_id: 'batch', client_secret: RIGHT }))
  const good = await signAssertion('signer', client.privateKeyJwk)
  const forged = await signAssertion('signer', otherClient.privateKeyJwk)
  tokenOf(t, await ask(good))
  const claims = async (changed: object) =>
    signAssertion('signer', client.privateKeyJwk, { claims: { ...changed } })
  const bearer = { authorization: `Bearer ${token}` }
  const formType = { 'content-type': 'application/x-www-form-urlencoded' }

  for (const secret of [RIGHT, WRONG, PLAIN, sha256(RIGHT)]) {
    for (const id of ['batch', 'strict', 'off', 'laptop', 'nobody']) {
      await ask({ client_id: id, client_secret: secret })
      await ask({}, { headers: { authorization: basic(id, secret) } })
      await send({ path: '/orders', headers: { authorization: rawBasic(id, secret) } })
    }
    await ask({ client_secret: secret })
    await ask(
      { client_id: 'x', client_secret: secret },
      { headers: { authorization: basic('batch', secret) } },
    )
    await ask({ client_id: 'other' }, { headers: { authorization: basic('batch', secret) } })
    await ask({}, { headers: { authorization: `Basic batch:${secret}` } })
    await ask({}, { headers: { authorization: `Basic ${secret}` } })
    await ask({}, { headers: { authorization: rawBasic('', secret) } })
    await ask({}, { headers: { authorization: rawBasic('batch', `${secret}\u0001`) } })
    await ask({}, { headers: { authorization: rawBasic('batch', secret.repeat(40)) } })
    await ask({}, { headers: { authorization: [basic('batch', secret), basic('batch', secret)] } })
    await ask({ client_id: 'batch', client_secret: secret, grant_type: 'x' })
    await ask({ client_id: 'batch', client_secret: secret, scope: 'unknown' })
    await send({ path: TOKEN, form: { client_id: 'batch', client_secret: secret }, method: 'PUT' })
    const encoded = encodeURIComponent(secret)
    const field = `client_id=batch&client_secret=${encoded}`
    for (const body of [
      `${field}&${field}`,
      `${field}%zz`,
      `${field}%ff`,
      `${field}&pad=${'x'.repeat(70_000)}`,
      JSON.stringify({ ...GRANT, client_id: 'batch', client_secret: secret }),
    ]) {
      await send({ path: TOKEN, body, headers: formType })
      await send({ path: TOKEN, body, headers: { 'content-type': 'application/json' } })
    }
    await send({ path: `${TOKEN}?${field}`, form: GRANT })
    await send({ path: `/a//b?${field}` })
    await send({ path: `/orders?${field}`, headers: { cookie: encoded, 'x-api-key': encoded } })
  }
  for (const form of [
    good,
    forged,
    await claims({ aud: 'https://elsewhere.test' }),
    await claims({ exp: 1 }),
    await claims({ jti: undefined }),
    await claims({ sub: 'other', iss: 'other' }),
    { ...good, client_id: 'other' },
    { ...good, client_id: 'signer', client_secret: RIGHT },
    { ...good, client_assertion_type: 'unknown' },
    { ...good, client_assertion: good.client_assertion.slice(0, -8) },
    { ...good, client_assertion: `${good.client_assertion}.x.y` },
    { client_assertion: token, client_assertion_type: ASSERTION_TYPE },
  ]) {
    await ask(form)
  }
  for (const headers of [
    bearer,
    { authorization: `Bearer ${token.slice(0, -8)}` },
    { authorization: `Bearer ${token} ${token}` },
    { authorization: `Token ${token}` },
    { authorization: [bearer.authorization, bearer.authorization] },
    { authorization: `Bearer ${good.client_assertion}` },
  ]) {
    for (const path of ['/orders', '/admin', '/health', `/orders?access_token=${PATH_CANARY}`]) {
      await send({ path, headers })
      await send({ path, headers, cert: otherClient.cert, key: otherClient.key })
    }
    await send({ path: '/orders', method: 'DELETE', headers })
    await send({ path: `/orders/%2e?access_token=${PATH_CANARY}`, headers })
    await send({ path: TOKEN, form: GRANT, headers })
  }

  // Behind a dead upstream, and with a configuration that cannot be loaded.
  const closed = createServer().listen(0, '127.0.0.1')
  await once(closed, 'listening')
  const { port } = closed.address() as AddressInfo
  closed.close()
  running.configure({
    upstream: `http://127.0.0.1:${port}`,
    tokens: { encryptionKey: { env: 'KEY' } },
    log: { level: 'debug' },
  })
  t.true(await running.sidecar.reload())
  t.is((await send({ path: `/orders?q=${PATH_CANARY}`, headers: bearer, body: WRONG })).status, 502)
  running.configure({ tokens: { encryptionKey: PLAIN } })
  t.false(await running.sidecar.reload())
  running.configure({})
  running.write(
    'clients.yaml',
    `clients: [ { clientId: batch, clientSecrets: [ { value: ${PLAIN} } ], secret: ${PLAIN} } ]`,
  )
  t.false(await running.sidecar.reload())
  running.write('clients.yaml', `clients: [ { clientId: ${PLAIN}`)
  t.false(await running.sidecar.reload())

  const metrics = await fetch(`http://127.0.0.1:${running.sidecar.operationsPort}/metrics`)
  const outside: Readonly<Record<string, string>> = {
    log: JSON.stringify(running.log),
    metrics: await metrics.text(),
    answers: answers
      .filter(({ status }) => status >= 400)
      .map(({ text, headers }) => text + JSON.stringify(headers))
      .join('\n'),
  }
  t.true(running.refusals().length > 150)
  t.true(answers.filter(({ status }) => status >= 400).length > 150)

  const [, , signature = ''] = token.split('.')
  const assertions = [good, forged].map((form) => form.client_assertion.split('.')[2] ?? '')
  const secrets = [RIGHT, WRONG, PLAIN, KEY, PATH_CANARY]
  const hidden = [
    ...secrets.flatMap((text) => [text, encodeURIComponent(text), sha256(text)]),
    ...secrets.map((text) => Buffer.from(text).toString('base64').slice(0, -4)),
    ...['batch', 'strict'].flatMap((id) =>
      [basic(id, RIGHT), rawBasic(id, RIGHT), basic(id, WRONG)].map((one) => one.slice(-24)),
    ),
    signature,
    ...assertions,
    String(client.privateKeyJwk.d),
    client.key.split('\n')[1] ?? '',
  ]
  for (const [where, text] of Object.entries(outside)) {
    for (const one of hidden) {
      t.true(one.length > 8)
      const at = text.indexOf(one)
      t.is(at, -1, `${where}: ${text.slice(Math.max(0, at - 200), at + 100)}`)
    }
    // How every part of a JWT begins that is JSON.
    t.is(/.{0,80}eyJ[\w-]{8,80}/.exec(text), null, where)
    t.false(/canary/i.test(text), `${where}: ${/.{0,200}canary.{0,80}/i.exec(text)?.[0]}`)
  }
})
