import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { basic } from '../support/send.ts'
import { startSidecar } from '../support/start-sidecar.ts'

const SECRET = 'a generated secret'
const OPTIONS = {
  clients: [secretClient('batch', SECRET, { allowedScopes: ['read'] })],
  settings: { routes: [{ path: '/admin', scopes: ['admin'] }] },
}
const headers = { authorization: basic('batch', SECRET) }

for (const path of ['/admin', '/ADMIN', '/Admin', '/admin/', '/aDmIn/']) {
  test(`a rule for /admin guards ${path}, which many APIs take for the same`, async (t) => {
    const running = await startSidecar(t, OPTIONS)
    const answer = await running.send({ path, headers })
    t.is(answer.status, 403)
    t.is(running.refusalOf(answer)?.['reason'], 'scope-missing')
    t.deepEqual(running.upstream.arrived, [])
  })
}

test('an API that tells /admin from /ADMIN can say so', async (t) => {
  const paths = { ignoreCase: false, ignoreTrailingSlash: false }
  const running = await startSidecar(t, {
    ...OPTIONS,
    settings: { ...OPTIONS.settings, paths },
  })
  t.is((await running.send({ path: '/admin', headers })).status, 403)
  t.is((await running.send({ path: '/ADMIN', headers })).status, 200)
  t.is((await running.send({ path: '/admin/', headers })).status, 200)
  t.deepEqual(
    running.upstream.arrived.map(({ url }) => url),
    ['/ADMIN', '/admin/'],
  )
})
