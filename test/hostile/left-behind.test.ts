import { setTimeout as pause } from 'node:timers/promises'

import test from 'ava'

import { eventually } from '../support/eventually.ts'
import { startTarget } from './support/target.ts'

const get = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: a\r\n\r\n`

test('clients that send requests in advance and leave take no place for good', async (t) => {
  const at = await startTarget(t, {
    settings: {
      limits: { concurrentRequests: 10 },
      upstreamLimits: { connections: 10, headersTimeout: '500ms' },
    },
    answerBytes: ({ target: path }) =>
      path.startsWith('/public/held') ? undefined : 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
  })
  const underWay = async (): Promise<number> => {
    const metrics = await fetch(`http://127.0.0.1:${at.operationsPort}/metrics`)
    return Number(/^vouchgate_requests_under_way (\d+)$/m.exec(await metrics.text())?.[1])
  }
  for (let round = 0; round < 3; round++) {
    for (let i = 0; i < 8; i++) {
      const path = `/public/held${round}-${i}.`
      const client = await at.open(t, get(path).repeat(3))
      await eventually(() => at.upstream.of(path)[0])
      client.socket.destroy()
    }
    while ((await underWay()) !== 0) await pause(20)
  }
  await at.serves()
  t.pass()
})
