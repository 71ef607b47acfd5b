import { once } from 'node:events'
import { constants } from 'node:http2'
import { setTimeout as pause } from 'node:timers/promises'

import test from 'ava'

import { eventually } from '../support/eventually.ts'
import { readOperations } from '../support/read-operations.ts'
import { scriptedUpstream } from '../support/scripted-upstream.ts'
import { openHttp2 } from '../support/send-http2.ts'
import { startSidecar } from '../support/start-sidecar.ts'

/** More than is gathered before it is sent on: what has a length above it goes to the API at once. */
const LARGE = '100000'
const CONCURRENT = 10

for (const [name, headers] of [
  ['with a length that it may not be sent for', { 'content-length': '10' }],
  ['with a length, sent on while it comes', { 'content-length': LARGE }],
  ['without a body', undefined],
] as const) {
  test(`HEADs over HTTP/2 ${name} that are given up before their answer take no place for good`, async (t) => {
    const upstream = await scriptedUpstream(t, ({ socket, head }) => {
      if (!head.includes(' /held')) socket.end('HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n')
    })
    const running = await startSidecar(t, {
      settings: {
        upstream: `http://127.0.0.1:${upstream.port}`,
        routes: [{ path: '/**', public: true }],
        limits: { concurrentRequests: CONCURRENT, maxEventLoopDelay: '1m' },
      },
    })
    const underWay = async (): Promise<number> => {
      const { text } = await readOperations(running, '/metrics')
      return Number(/^vouchgate_requests_under_way (\d+)$/m.exec(text)?.[1])
    }
    const until = async (many: number): Promise<void> => {
      while ((await underWay()) !== many) await pause(10)
    }
    const reaches = headers?.['content-length'] !== '10'
    const session = openHttp2(t, running)
    for (let round = 0; round < 3; round++) {
      const streams = Array.from({ length: CONCURRENT - 1 }, (_, i) => {
        const head = { ':method': 'HEAD', ':path': `/held/${round}-${i}.`, ...headers }
        const stream = session.request(head, { endStream: headers === undefined })
        stream.on('error', () => undefined)
        // only then is the head sent on
        if (headers?.['content-length'] === LARGE) stream.write('some of it')
        return stream
      })
      await until(streams.length)
      const held = () => upstream.of(`/held/${round}-`)
      if (reaches) await eventually(() => held().length === streams.length || undefined)
      const gone = held().map(({ socket }) => once(socket, 'end'))
      for (const stream of streams) stream.close(constants.NGHTTP2_CANCEL)
      await until(0)
      await Promise.all(gone)
      t.is(held().length, reaches ? streams.length : 0)
    }
    const ended = running.log.filter(({ event }) => event === 'upstream.failed')
    t.is(ended.length, 3 * (CONCURRENT - 1))
    t.true(ended.every((line) => line['reason'] === 'client-aborted' && !('status' in line)))
    t.is((await running.send({ method: 'HEAD', path: '/healthy' })).status, 200)
  })
}
