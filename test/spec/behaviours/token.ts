import { secretClient } from '../../support/clients.ts'
import type { Received } from '../../support/send.ts'
import { startSidecar } from '../../support/start-sidecar.ts'
import { GRANT, TOKEN } from '../../support/token-request.ts'
import type { Checks } from './checks.ts'
import type { ExecutionContext } from 'ava'

async function started(t: ExecutionContext) {
  const { send } = await startSidecar(t, {
    clients: [
      secretClient('client', 'secret'),
      secretClient('no grant', 'secret', { allowedGrantTypes: [] }),
    ],
  })
  return (form: Readonly<Record<string, string>>, path = TOKEN): Promise<Received> =>
    send({ path, form: { client_id: 'client', client_secret: 'secret', ...form } })
}

export const tokenChecks: Checks = {
  async 'ca-161'(t) {
    const answer = await (await started(t))({})
    t.is(answer.status, 400)
    t.is(answer.json()['error'], 'invalid_request')
  },
  async 'ca-163'(t) {
    const answer = await (await started(t))({ ...GRANT, client_id: 'no grant' })
    t.is(answer.status, 400)
    t.is(answer.json()['error'], 'unauthorized_client')
  },
  async 'ca-165'(t) {
    const ask = await started(t)
    for (const [scope, granted] of [
      ['', 'read write'],
      [' ', 'read write'],
      ['read read', 'read'],
      ['read  write', 'read write'],
      ['read\u0000', undefined],
      ['read\twrite', undefined],
      ['\u001b[31m', undefined],
    ] as const) {
      const answer = await ask({ ...GRANT, scope })
      t.is(answer.status, granted === undefined ? 400 : 200, JSON.stringify(scope))
      t.is(answer.json()['scope'] as string | undefined, granted)
    }
  },
  async 'ca-167'(t) {
    const ask = await started(t)
    const token = (await ask(GRANT)).json<{ access_token: string }>().access_token
    const introspect = '/connect/introspect'
    for (const answer of [
      await ask(GRANT),
      await ask({}),
      await ask({ ...GRANT, client_secret: 'wrong' }),
      await ask({ token }, introspect),
      await ask({ token: 'unknown' }, introspect),
      await ask({ token, client_secret: 'wrong' }, introspect),
    ]) {
      t.is(answer.headers['cache-control'], 'no-store', answer.text)
    }
  },
}
