import ava from 'ava'

import { apache, apacheTest } from '../support/apache.ts'
import { aboutToken, REVOCATION, tokenFor } from '../support/ask-about-token.ts'
import type { Asker } from '../support/ask-about-token.ts'
import { secretClient, sha256 } from '../support/clients.ts'
import { startSidecar } from '../support/start-sidecar.ts'

const test = apacheTest(ava)

const SECRET = 'a generated secret'
const ORDERS = { name: 'orders', secret: 'the-secret-of-an-API' }
const CLIENTS: readonly (readonly [string, Asker])[] = [
  ['JWT', ['batch', SECRET]],
  ['handle', ['handles', SECRET]],
]

for (const [kind, asker] of CLIENTS) {
  test(`Apache asks us about a ${kind} and believes what we say`, async (t) => {
    const running = await startSidecar(t, {
      clients: [
        secretClient('batch', SECRET),
        secretClient('handles', SECRET, { accessTokenType: 'Reference' }),
      ],
      resources: [
        {
          name: ORDERS.name,
          scopes: ['read', 'write'],
          apiSecrets: [{ value: sha256(ORDERS.secret) }],
        },
      ],
    })
    const url = await apache(
      t,
      `
OIDCCryptoPassphrase ${SECRET.replaceAll(' ', '-')}
OIDCOAuthIntrospectionEndpoint https://localhost:${running.port}/connect/introspect
OIDCOAuthIntrospectionEndpointAuth client_secret_basic
OIDCOAuthClientID ${ORDERS.name}
OIDCOAuthClientSecret ${ORDERS.secret}
OIDCOAuthRemoteUserClaim client_id
OIDCOAuthTokenIntrospectionInterval -1
OIDCCABundlePath FOLDER/ca.crt
<Location />
  AuthType oauth20
  Require claim "scope~(^| )write( |$)"
</Location>
`,
      { 'ca.crt': running.pki.rootCa.pem },
    )
    const call = async (token: string) => {
      const headers = { authorization: `Bearer ${token}` }
      const answer = await fetch(`${url}/index.html`, { headers })
      return `${answer.status} ${answer.status === 200 ? await answer.text() : ''}`
    }
    const token = await tokenFor(running, asker)
    t.is(await call(token), '200 apache says hello')
    t.regex(await call(await tokenFor(running, asker, { scope: 'read' })), /^40[13]/)
    t.regex(await call(spoilt(token)), /^401/)
    t.is((await running.send(aboutToken(REVOCATION, token, asker))).status, 200)
    t.regex(await call(token), /^401/)
  })
}

/** Another token: the last character would not do, for some of its bits say nothing. */
function spoilt(token: string): string {
  const at = token.length - 10
  return token.slice(0, at) + (token[at] === 'A' ? 'B' : 'A') + token.slice(at + 1)
}
