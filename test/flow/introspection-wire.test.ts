import test from 'ava'
import { createLocalJWKSet, jwtVerify } from 'jose'
import type { JSONWebKeySet, JWTPayload } from 'jose'
import * as oauth from 'oauth4webapi'

import { aboutToken, callApi, INTROSPECTION, lineOf, tokenFor } from '../support/ask-about-token.ts'
import type { Asker } from '../support/ask-about-token.ts'
import { fetchFrom } from '../support/fetch-from.ts'
import {
  BATCH,
  CLIENTS,
  HANDLES,
  introspectionParties,
  ORDERS,
  RESOURCES,
} from '../support/introspection-parties.ts'
import type { Received, SendOptions } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { assertRefused } from '../support/token-request.ts'

const SIGNED = 'application/token-introspection+jwt'

const running = sharedSidecar(test, async () => (await introspectionParties()).options)

function ask(token: string, asker: Asker = ORDERS, more: SendOptions = {}): Promise<Received> {
  return running().send(aboutToken(INTROSPECTION, token, asker, more))
}

test('who is disabled or removed loses its tokens, at the API and at introspection', async (t) => {
  const sidecar = await startSidecar(t, { clients: CLIENTS, resources: RESOURCES })
  const tokens = [await tokenFor(sidecar, BATCH), await tokenFor(sidecar, HANDLES)]
  const states = async () => {
    const all: unknown[] = []
    for (const token of tokens) {
      all.push((await callApi(sidecar, token)).status)
      const asked = await sidecar.send(aboutToken(INTROSPECTION, token, ORDERS))
      all.push(asked.json()['active'], lineOf(sidecar, 'introspection.inactive', asked)?.['reason'])
    }
    return all
  }
  const good = [200, true, undefined]
  const bad = [401, false, 'client-disabled']
  t.deepEqual(await states(), [...good, ...good])
  const disabled = CLIENTS.map((client) => ({ ...client, enabled: false }))
  for (const clients of [disabled, CLIENTS.slice(2)]) {
    sidecar.write('clients.yaml', JSON.stringify({ clients }))
    t.true(await sidecar.sidecar.reload())
    t.deepEqual(await states(), [...bad, ...bad])
  }
})

test('an answer is signed for the caller that asks for it', async (t) => {
  const token = await tokenFor(running(), BATCH)
  const answer = await ask(token, ORDERS, { headers: { accept: SIGNED } })
  t.is(answer.headers['content-type'], SIGNED)
  t.is(answer.headers['vary'], 'accept')
  const keys = await running().send({ path: '/.well-known/openid-configuration/jwks' })
  const { payload } = await jwtVerify(answer.text, createLocalJWKSet(keys.json<JSONWebKeySet>()), {
    typ: 'token-introspection+jwt',
    issuer: running().issuer,
    audience: 'orders',
  })
  t.deepEqual(Object.keys(payload).toSorted(), ['aud', 'iat', 'iss', 'token_introspection'])
  t.deepEqual(payload['token_introspection'], (await ask(token)).json())
  assertRefused(t, running(), await callApi(running(), answer.text), {
    status: 401,
    error: 'invalid_token',
    reason: 'jwt-type',
  })

  const inactive = await ask('x', ORDERS, { headers: { accept: SIGNED } })
  const [, body = ''] = inactive.text.split('.')
  const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as JWTPayload
  t.deepEqual(claims['token_introspection'], { active: false })
})

for (const accept of [
  '*/*',
  'application/json',
  `application/json, ${SIGNED};q=0.5`,
  'text/html',
]) {
  test(`with Accept: ${accept} the answer is JSON`, async (t) => {
    const answer = await ask(await tokenFor(running(), BATCH), ORDERS, { headers: { accept } })
    t.true(answer.json()['active'])
  })
}

test('oauth4webapi understands the answers, signed or not', async (t) => {
  const options = { [oauth.customFetch]: fetchFrom(t, running()) as never }
  const issuer = new URL(running().issuer)
  const server = await oauth.processDiscoveryResponse(
    issuer,
    await oauth.discoveryRequest(issuer, { ...options, algorithm: 'oauth2' }),
  )
  const authentication = oauth.ClientSecretBasic(ORDERS[1])
  const client: oauth.Client = { client_id: ORDERS[0] }
  for (const token of [await tokenFor(running(), BATCH), await tokenFor(running(), HANDLES)]) {
    for (const requestJwtResponse of [false, true]) {
      const request = { ...options, requestJwtResponse }
      const response = await oauth.introspectionRequest(
        server,
        client,
        authentication,
        token,
        request,
      )
      const answer = await oauth.processIntrospectionResponse(server, client, response)
      if (requestJwtResponse)
        await oauth.validateApplicationLevelSignature(server, response, options)
      t.like(answer, { active: true, scope: 'read write', token_type: 'Bearer' })
    }
  }
  const response = await oauth.introspectionRequest(server, client, authentication, 'x', options)
  t.deepEqual(await oauth.processIntrospectionResponse(server, client, response), { active: false })
})

test('answers are counted by their result', async (t) => {
  const sidecar = await startSidecar(t, { clients: CLIENTS, resources: RESOURCES })
  for (const token of ['x', 'y', await tokenFor(sidecar, BATCH)])
    await sidecar.send(aboutToken(INTROSPECTION, token, ORDERS))
  const url = `http://127.0.0.1:${sidecar.sidecar.operationsPort}/metrics`
  const text = await (await fetch(url)).text()
  t.regex(text, /vouchgate_introspection_requests_total\{result="active"\} 1\n/)
  t.regex(text, /vouchgate_introspection_requests_total\{result="inactive"\} 2\n/)
})

test('as IdentityServer answers, so it answers in its mode', async (t) => {
  const sidecar = await startSidecar(t, {
    settings: { compatibility: 'identityserver4' },
    clients: CLIENTS,
    resources: RESOURCES,
  })
  const token = await tokenFor(sidecar, BATCH)
  const good = aboutToken(INTROSPECTION, token, ORDERS)
  const form = 'application/x-www-form-urlencoded'
  for (const [request, status, text, reason] of [
    [{ ...good, method: 'GET' }, 405, '', 'not-post'],
    [
      { ...good, headers: { ...good.headers, 'content-type': 'text/plain' } },
      415,
      '',
      'not-a-form',
    ],
    [aboutToken(INTROSPECTION, token, ['orders', 'wrong']), 401, '', 'secret-mismatch'],
    [aboutToken(INTROSPECTION, token, ['nobody', 'wrong']), 401, '', 'client-unknown'],
    [
      {
        ...good,
        form: undefined,
        body: 'token=',
        headers: { ...good.headers, 'content-type': form },
      },
      400,
      '{"error":"missing_token"}',
      'token-missing',
    ],
  ] as const) {
    const answer = await sidecar.send(request as SendOptions)
    t.is(answer.status, status)
    t.is(answer.text, text)
    t.is(answer.headers['www-authenticate'], undefined)
    t.is(answer.headers['allow'], status === 405 ? 'POST' : undefined)
    t.like(sidecar.refusalOf(answer), { status, reason })
  }
  const answer = await sidecar.send(good)
  t.is(answer.headers['cache-control'], 'no-store, no-cache, max-age=0')
  const { iat, nbf, exp: _, jti: __, ...rest } = answer.json()
  t.is(iat, nbf)
  t.deepEqual(rest as unknown, {
    active: true,
    iss: sidecar.issuer,
    aud: 'orders',
    client_id: 'batch',
    client_tenant: 'acme',
    token_type: 'Bearer',
    scope: 'read write',
  })
})
