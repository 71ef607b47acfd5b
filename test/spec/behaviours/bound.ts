import { once } from 'node:events'
import { connect } from 'node:tls'

import type { ExecutionContext } from 'ava'
import { SignJWT } from 'jose'

import { pki } from '../../support/pki.ts'
import type { Identity } from '../../support/pki.ts'
import { startSidecar } from '../../support/start-sidecar.ts'
import { tokenOf, tokenRequest } from '../../support/token-request.ts'
import type { Checks } from './checks.ts'

/** A sidecar, and a token of it that is bound to the certificate A. */
async function withBoundToken(t: ExecutionContext) {
  const { selfSignedClient: a, otherClient: b } = await pki()
  const secret = { type: 'X509Thumbprint', value: a.x509.fingerprint256 }
  const running = await startSidecar(t, {
    clients: [{ clientId: 'client', clientSecrets: [secret], allowedScopes: ['read'] }],
  })
  const { cert, key } = a
  const token = tokenOf(t, await running.send(tokenRequest({ cert, key })))
  const call = (presented: string, identity?: Identity) =>
    running.send({
      path: '/',
      headers: { authorization: `Bearer ${presented}` },
      cert: identity?.cert,
      key: identity?.key,
    })
  return { ...running, token, call, a, b }
}

/** One TLS 1.2 connection, on which one request is sent. @returns the head of the answer, and the session */
async function callOverTls(
  { port, ca }: { port: number; ca: string },
  token: string,
  options: { cert?: string; key?: string; session?: Buffer },
) {
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ca,
    maxVersion: 'TLSv1.2',
    ...options,
  })
  await once(socket, 'secureConnect')
  const resumed = socket.isSessionReused()
  const session = socket.getSession()
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString()))
  socket.write(
    `GET / HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\nAuthorization: Bearer ${token}\r\n\r\n`,
  )
  await once(socket, 'close')
  return { status: Number(/^HTTP\/1\.1 (\d+)/.exec(text)?.[1]), resumed, session }
}

export const boundChecks: Checks = {
  async 'ca-085'(t) {
    const { call, token, a } = await withBoundToken(t)
    t.is((await call(token, a)).status, 200)
  },
  async 'ca-087'(t) {
    const { call, token, b } = await withBoundToken(t)
    t.is((await call(token, b)).status, 401)
    t.is((await call(token)).status, 401)
  },
  async 'ca-089'(t) {
    const { port, token, a, b, pki: authorities } = await withBoundToken(t)
    const to = { port, ca: authorities.rootCa.pem }
    for (const [identity, status] of [
      [a, 200],
      [b, 401],
    ] as const) {
      const { cert, key } = identity
      const first = await callOverTls(to, token, { cert, key })
      t.is(first.status, status)
      t.truthy(first.session)
      // The certificate of a resumed session is the one that it began with, whatever is presented now.
      const again = await callOverTls(to, token, { session: first.session ?? Buffer.alloc(0) })
      t.true(again.resumed)
      t.is(again.status, status)
    }
  },
  async 'ca-091'(t) {
    const { call, a, sidecar, issuer } = await withBoundToken(t)
    const { current } = sidecar.snapshot.keyRing
    const digest = a.x509.fingerprint256.replaceAll(':', '')
    const right = Buffer.from(digest, 'hex').toString('base64url')
    const forged = (cnf: unknown) =>
      new SignJWT({ client_id: 'client', aud: issuer, jti: 'x', cnf })
        .setProtectedHeader({ alg: 'ES256', kid: current.kid, typ: 'at+jwt' })
        .setIssuer(issuer)
        .setExpirationTime('1m')
        .sign(current.privateKey)
    t.is((await call(await forged({ 'x5t#S256': right }), a)).status, 200)
    for (const cnf of [
      null,
      [],
      [{ 'x5t#S256': right }],
      { 'x5t#S256': 1 },
      { 'x5t#S256': [right] },
      { 'x5t#S256': `${right}=` },
      { 'x5t#S256': digest },
    ]) {
      t.is((await call(await forged(cnf), a)).status, 401, JSON.stringify(cnf))
    }
  },
  async 'ca-093'(t) {
    const { send, token, a } = await withBoundToken(t)
    const { cert, key } = a
    const answer = await send({ path: '/connect/introspect', form: { token }, cert, key })
    t.is(answer.status, 200, answer.text)
    const digest = Buffer.from(a.x509.fingerprint256.replaceAll(':', ''), 'hex')
    t.like(answer.json(), {
      active: true,
      cnf: { 'x5t#S256': digest.toString('base64url') },
    })
  },
}
