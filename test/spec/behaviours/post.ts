import { secretClient } from '../../support/clients.ts'
import { basic } from '../../support/send.ts'
import type { SendOptions } from '../../support/send.ts'
import { startSidecar } from '../../support/start-sidecar.ts'
import { TOKEN, tokenRequest } from '../../support/token-request.ts'
import { assertInvalidRequest, assertKnown, assertNotKnown } from './checks.ts'
import type { Check, Checks } from './checks.ts'

const CLIENTS = [secretClient('client', 'secret')]
const FORM = 'application/x-www-form-urlencoded'
const BODY = 'grant_type=client_credentials&client_id=client'

function post(body: string, type: string | undefined = FORM): SendOptions {
  return { path: TOKEN, body, headers: { 'content-type': type } }
}

function refused(...requests: readonly SendOptions[]): Check {
  return async (t) => {
    const { send } = await startSidecar(t, { clients: CLIENTS })
    for (const request of requests) assertNotKnown(t, await send(request))
  }
}

export const postChecks: Checks = {
  async 'ca-039'(t) {
    const { send } = await startSidecar(t, { clients: CLIENTS })
    const form = { client_id: 'client', client_secret: 'secret' }
    assertKnown(t, await send(tokenRequest({ form })), 'client')
  },
  'ca-041': refused(tokenRequest({ form: { client_id: 'client' } })),
  'ca-043': refused(post('')),
  async 'ca-045'(t) {
    const secret = 's'.repeat(101)
    const { send } = await startSidecar(t, { clients: [secretClient('client', secret)] })
    const form = { client_id: 'client', client_secret: secret }
    assertNotKnown(t, await send(tokenRequest({ form })))
  },
  async 'ca-047'(t) {
    const { send } = await startSidecar(t, { clients: CLIENTS })
    const answer = await send({ ...post(`${BODY}&client_secret=secret`), chunked: true })
    assertKnown(t, answer, 'client')
  },
  'ca-049': refused(
    post(`${BODY}&client_secret=secret`, 'application/json'),
    post(`${BODY}&client_secret=secret`, 'text/plain'),
    post(`${BODY}&client_secret=secret`, 'multipart/form-data; boundary=x'),
    { path: TOKEN, body: `${BODY}&client_secret=secret` },
  ),
  async 'ca-051'(t) {
    const { send } = await startSidecar(t, { clients: CLIENTS })
    for (const [one, two] of [
      ['secret', 'wrong'],
      ['wrong', 'secret'],
      ['secret', 'secret'],
    ] as const) {
      const body = `${BODY}&client_secret=${one}&client_secret=${two}`
      assertInvalidRequest(t, await send(post(body)))
    }
  },
  async 'ca-053'(t) {
    const only = (method: string) => ({ allowedAuthenticationMethods: [method] })
    const { send } = await startSidecar(t, {
      clients: [
        secretClient('any', 'secret'),
        secretClient('basic', 'secret', only('client_secret_basic')),
        secretClient('post', 'secret', only('client_secret_post')),
      ],
    })
    const byPost = (id: string) =>
      send(tokenRequest({ form: { client_id: id, client_secret: 'secret' } }))
    const byHeader = (id: string) =>
      send(tokenRequest({ headers: { authorization: basic(id, 'secret') } }))
    assertKnown(t, await byPost('any'), 'any')
    assertKnown(t, await byHeader('any'), 'any')
    assertKnown(t, await byPost('post'), 'post')
    assertKnown(t, await byHeader('basic'), 'basic')
    assertNotKnown(t, await byPost('basic'))
    assertNotKnown(t, await byHeader('post'))
  },
}
