import test from 'ava'

import { startSidecar } from '../support/start-sidecar.ts'

test('names that upstreams read as their own never come from a client', async (t) => {
  const running = await startSidecar(t, { settings: { routes: [{ path: '/**', public: true }] } })
  const names = ['Proxy', 'Remote-User', 'REMOTE_USER', 'X-Envoy-Original-Path', 'X-Client-Id']
  const headers = Object.fromEntries(names.map((name) => [name, 'evil']))
  t.is((await running.send({ path: '/', headers })).status, 200)
  t.false(JSON.stringify(running.upstream.arrived[0]?.rawHeaders).includes('evil'))
})
