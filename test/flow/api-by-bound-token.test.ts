import test from 'ava'

import { forgeToken } from '../support/forge-token.ts'
import { pki } from '../support/pki.ts'
import type { Identity } from '../support/pki.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { assertRefused, tokenOf, tokenRequest } from '../support/token-request.ts'

const INVALID_TOKEN = { status: 401, error: 'invalid_token' } as const
const CHALLENGE = 'Bearer realm="vouchgate", error="invalid_token", Basic realm="vouchgate"'

const running = sharedSidecar(test, async () => {
  const { fingerprint256: value } = (await pki()).selfSignedClient.x509
  const clientSecrets = [{ type: 'X509Thumbprint', value }]
  return { clients: [{ clientId: 'laptop', clientSecrets, allowedScopes: ['read'] }] }
})

function call(token: string, { cert, key }: Partial<Pick<Identity, 'cert' | 'key'>> = {}) {
  const headers = { authorization: `Bearer ${token}` }
  return running().send({ path: '/orders/1', headers, cert, key })
}

test('a token that is bound to a certificate counts on its connections only', async (t) => {
  const { selfSignedClient, otherClient } = await pki()
  const { cert, key } = selfSignedClient
  const form = { client_id: 'laptop' }
  const token = tokenOf(t, await running().send(tokenRequest({ form, cert, key })))

  const answer = await call(token, selfSignedClient)
  t.is(answer.status, 200, answer.text)
  t.is(
    running().arrivedOf(answer)[0]?.headers['x-client-certificate-thumbprint'],
    selfSignedClient.x509.fingerprint256.replaceAll(':', ''),
  )
  for (const [presented, got] of [
    [{}, 'no certificate'],
    [otherClient, /^certificate [\w-]{43}$/],
  ] as const) {
    const refused = await call(token, presented)
    assertRefused(t, running(), refused, { ...INVALID_TOKEN, reason: 'token-binding' })
    t.is(refused.headers['www-authenticate'], CHALLENGE)
    t.regex(String(running().refusalOf(refused)?.['got']), new RegExp(got))
  }
})

test('a binding is compared as it stands: no padding, no hexadecimal', async (t) => {
  const { selfSignedClient } = await pki()
  const hex = selfSignedClient.x509.fingerprint256.replaceAll(':', '')
  const digest = Buffer.from(hex, 'hex').toString('base64url')
  const bound = (thumbprint: string) =>
    forgeToken(running(), 'laptop', { claims: { cnf: { 'x5t#S256': thumbprint } } })
  t.is((await call(await bound(digest), selfSignedClient)).status, 200)
  for (const other of [`${digest}=`, hex, hex.toLowerCase(), '']) {
    assertRefused(t, running(), await call(await bound(other), selfSignedClient), {
      ...INVALID_TOKEN,
      reason: 'token-binding',
    })
  }
})

test('an unbound token counts on any connection, and no certificate is told of', async (t) => {
  const answer = await call(await forgeToken(running(), 'laptop'), (await pki()).otherClient)
  t.is(answer.status, 200)
  t.is(running().arrivedOf(answer)[0]?.headers['x-client-certificate-thumbprint'], undefined)
})
