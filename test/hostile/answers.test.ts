import test from 'ava'

import { AUTHORIZATION, sharedTarget } from './support/target.ts'

const answer = (text: string, more = ''): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n${more}\r\n${text}`

/** An API that does not always keep to the protocol, in the way that the path says. */
const target = sharedTarget(test, {
  answerBytes({ target: path }) {
    if (path.includes('twice')) return answer(path) + answer('of another')
    if (path.includes('longer')) return `${answer(path)}and more`
    if (path.includes('early')) return answer(path, 'Connection: close\r\n')
    if (path.includes('interim'))
      return `HTTP/1.1 103 Early Hints\r\nLink: x\r\n\r\n${answer(path)}`
    if (path.includes('broken')) return 'HTTP/1.1 200 OK\r\nContent-Length: 1, 2\r\n\r\nx'
    if (path.includes('nonsense')) return 'of another\r\n\r\n'
    return answer(path)
  },
})

const WAYS = ['plain', 'twice', 'longer', 'early', 'interim', 'broken', 'nonsense', 'aborted']

test('whatever the API and other clients do, every answer is that to its own request', async (t) => {
  const { open, upstream, serves } = target()
  const clients = Array.from({ length: 16 }, async (_, i) => {
    let client = await open(t)
    for (let j = 0; j < 40; j++) {
      const way = WAYS[(i + 3 * j) % WAYS.length] ?? ''
      const path = `/orders/${way}-${i}-${j}.`
      const lines = ['Host: a', `Authorization: ${AUTHORIZATION}`]
      if (way === 'aborted') {
        client.socket.write(
          [`POST ${path} HTTP/1.1`, ...lines, 'Content-Length: 100000', '', 'hello'].join('\r\n'),
        )
        client.socket.destroy()
        client = await open(t)
        continue
      }
      const before = client.received().length
      client.socket.write([`GET ${path} HTTP/1.1`, ...lines, '', ''].join('\r\n'))
      const text = await client.until((all) => /\r\n\r\n./.test(all.slice(before)))
      const [, status, body] =
        /^HTTP\/1\.1 (\d+) [^]*?\r\n\r\n([^]*)$/.exec(text.slice(before)) ?? []
      if (status === '200') t.is(body, path)
      else t.is(status, '502', path)
      if (way === 'plain' || way === 'early') t.is(status, '200', path)
      if (client.socket.closed) client = await open(t)
    }
  })
  await Promise.all(clients)
  await serves()
  t.is(upstream.faults.length, 0)
})

test('what a client says is one line of the log each, in letters that do nothing', async (t) => {
  const { log, open, send, serves } = target()
  const evil = 'a\r\n{"event":"forged"}\n\u001b[31mred\u0007\u2028\u202e'
  for (const id of [evil, `${evil}${'x'.repeat(50_000)}`]) {
    const form = { grant_type: 'client_credentials', client_id: id, client_secret: id }
    await send({ path: '/connect/token', form })
    const authorization = `Basic ${Buffer.from(`${id.slice(0, 5000)}:x`).toString('base64')}`
    await send({ path: '/orders', headers: { authorization, 'user-agent': 'x\t\u00e9' } })
  }
  const client = await open(t, 'GET /\u001b[31m\u0007\u00e9 HTTP/1.1\r\nHost: \u001b[31m\r\n\r\n')
  await client.closed()
  await serves()
  t.true(log.length > 4)
  for (const line of log) {
    t.not(line.event, 'forged')
    for (const value of Object.values(line)) t.true(String(value).length < 2000)
  }
})
