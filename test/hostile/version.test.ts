import test from 'ava'

import { sharedTarget } from './support/target.ts'

const target = sharedTarget(test)

const SMUGGLED = 'GET /public/smuggled HTTP/1.1\r\nHost: a\r\n\r\n'

for (const version of ['HTTP/2.0', 'HTTP/0.9'])
  for (const [what, text] of Object.entries({
    'a request': `GET /public/version VERSION\r\nHost: a\r\n\r\n`,
    'a refusal with much to come': `POST /orders VERSION\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhello`,
    'an early answer': `POST /public/version VERSION\r\nHost: a\r\nContent-Length: 100000\r\n\r\nhello`,
    'a malformed request': `GET /public//version VERSION\r\nHost: a\r\nConnection: keep-alive\r\n\r\n`,
    'a keep-alive request': `GET /public/version VERSION\r\nHost: a\r\nConnection: keep-alive\r\n\r\n`,
    'an expectation': `POST /public/version VERSION\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 5\r\n\r\nhello`,
  }))
    test(`${version} in ${what} over HTTP/1.1 is refused, and harms nobody`, async (t) => {
      const { open, upstream, serves } = target()
      const client = await open(t, text.replace('VERSION', version) + SMUGGLED)
      await client.closed()
      t.true(client.statuses().every((status) => status >= 400))
      await serves()
      t.deepEqual(upstream.of('/version'), [])
      t.deepEqual(upstream.of('/smuggled'), [])
    })
