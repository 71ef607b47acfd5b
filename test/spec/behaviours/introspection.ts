import type { ExecutionContext } from 'ava'
import { SignJWT } from 'jose'

import { aboutToken, INTROSPECTION, REVOCATION, tokenFor } from '../../support/ask-about-token.ts'
import type { Asker } from '../../support/ask-about-token.ts'
import { secretClient, sha256 } from '../../support/clients.ts'
import { startSidecar } from '../../support/start-sidecar.ts'
import type { Checks } from './checks.ts'

const JWTS: Asker = ['jwts', 'secret']
const HANDLES: Asker = ['handles', 'secret']
const ORDERS: Asker = ['orders', 'secret of an API']

async function started(t: ExecutionContext) {
  const running = await startSidecar(t, {
    clients: [secretClient(...JWTS), secretClient(...HANDLES, { accessTokenType: 'Reference' })],
    resources: [
      { name: 'orders', scopes: ['read', 'write'], apiSecrets: [{ value: sha256(ORDERS[1]) }] },
    ],
  })
  return { running, ask: (token: string) => running.send(aboutToken(INTROSPECTION, token, ORDERS)) }
}

export const introspectionChecks: Checks = {
  async 'ca-169'(t) {
    const { ask } = await started(t)
    const answer = await ask('')
    t.is(answer.status, 400)
    t.is(answer.json()['error'], 'invalid_request')
  },
  async 'ca-171'(t) {
    const { running, ask } = await started(t)
    const { kid, privateKey } = running.sidecar.snapshot.keyRing.current
    const expired = await new SignJWT({ client_id: 'jwts', aud: 'orders', scope: 'read', jti: 'x' })
      .setProtectedHeader({ alg: 'ES256', kid, typ: 'at+jwt' })
      .setIssuer(running.issuer)
      .setExpirationTime(Math.floor(Date.now() / 1000) - 1)
      .sign(privateKey)
    const revoked: string[] = []
    for (const asker of [JWTS, HANDLES]) {
      const token = await tokenFor(running, asker)
      await running.send(aboutToken(REVOCATION, token, asker))
      revoked.push(token)
    }
    for (const token of [expired, ...revoked]) {
      const answer = await ask(token)
      t.is(answer.status, 200)
      t.is(answer.text, '{"active":false}')
    }
  },
  async 'ca-173'(t) {
    const { running } = await started(t)
    const token = await tokenFor(running, JWTS)
    for (const request of [
      { path: INTROSPECTION, form: { token } },
      aboutToken(INTROSPECTION, token, ['orders', 'wrong']),
      aboutToken(INTROSPECTION, token, ['nobody', 'secret']),
    ]) {
      const answer = await running.send(request)
      t.is(answer.status, 401)
      t.is(answer.headers['www-authenticate'], 'Basic realm="vouchgate"')
      t.false('active' in answer.json())
    }
  },
  async 'ca-175'(t) {
    const { running, ask } = await started(t)
    for (const asker of [JWTS, HANDLES]) {
      const answer = await ask(await tokenFor(running, asker))
      t.is(answer.status, 200)
      t.true(answer.json()['active'])
    }
  },
}
