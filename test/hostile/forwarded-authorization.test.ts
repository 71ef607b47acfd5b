import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { basic } from '../support/send.ts'
import { startSidecar } from '../support/start-sidecar.ts'

const SECRET = 'a generated secret'
const headers = { authorization: basic('batch', SECRET) }
const clients = [secretClient('batch', SECRET)]

test('a header that is ours to say is not passed on, though the route forwards Authorization', async (t) => {
  const running = await startSidecar(t, {
    clients,
    settings: {
      identity: { headers: ['jwt'], forwardAuthorization: true },
      plugins: { options: { 'identity-headers/jwt': { header: 'Authorization' } } },
    },
  })
  t.is((await running.send({ path: '/', headers })).status, 200)
  const lines = running.upstream.arrived[0]?.rawHeaders ?? []
  const said = lines.filter((_line, index) => lines[index - 1]?.toLowerCase() === 'authorization')
  t.is(said.length, 1)
  t.regex(said[0] ?? '', /^Bearer ey/)
})

test('where a route forwards Authorization it arrives once, as it was sent', async (t) => {
  const running = await startSidecar(t, {
    clients,
    settings: { identity: { forwardAuthorization: true } },
  })
  t.is((await running.send({ path: '/', headers })).status, 200)
  t.is(running.upstream.arrived[0]?.headers.authorization, headers.authorization)
})
