import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { createServer as createHttp2Server } from 'node:http2'
import type { ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import type { Readable, Writable } from 'node:stream'
import { crc32 } from 'node:zlib'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { front } from './support/front.ts'

const MIB = 1024 * 1024
const BLOCK = randomBytes(MIB)
const BLOCKS = 256

/** Of everything that `produce` writes. */
const EXPECTED = ((): number => {
  let sum = 0
  for (let i = 0; i < BLOCKS; i++) sum = crc32(BLOCK, sum)
  return sum
})()

/** What all three parties together may hold at once, garbage among it: a quarter of what is sent. */
const HELD = 128 * MIB

async function produce(to: Writable): Promise<void> {
  for (let i = 0; i < BLOCKS; i++) {
    if (!to.write(BLOCK)) await once(to, 'drain')
  }
}

async function consume(from: Readable, look: () => void): Promise<number> {
  let sum = 0
  let size = 0
  for await (const chunk of from as AsyncIterable<Buffer>) {
    sum = crc32(chunk, sum)
    size += chunk.length
    if (size % 16 === 0) look()
  }
  return size === BLOCKS * MIB ? sum : -1
}

/** Takes in all of a body and sends as much, at the same time. */
async function answerer(t: ExecutionContext, protocol: 'http1' | 'h2', taken: number[]) {
  const take = async (from: Readable, to: Writable) => {
    const [sum] = await Promise.all([consume(from, () => undefined), produce(to)])
    taken.push(sum)
    // not before: over HTTP/1.1 an answer that has ended ends the upload
    to.end()
  }
  const server =
    protocol === 'http1'
      ? createServer((incoming, response) => {
          response.writeHead(200)
          void take(incoming, response)
        })
      : createHttp2Server().on('stream', (stream: ServerHttp2Stream) => {
          stream.respond({ ':status': 200 })
          void take(stream, stream)
        })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => server.close())
  return (server.address() as AddressInfo).port
}

for (const protocol of ['http1', 'h2'] as const) {
  test.serial(`256 MiB go up and down at once in constant memory, over ${protocol}`, async (t) => {
    const taken: number[] = []
    const { port } = await front(t, await answerer(t, protocol, taken), { protocol })
    const before = process.memoryUsage().arrayBuffers
    let most = 0
    const look = (): void => {
      most = Math.max(most, process.memoryUsage().arrayBuffers - before)
    }
    const post = request({ port, host: '127.0.0.1', method: 'POST', agent: false })
    const [received] = await Promise.all([
      once(post, 'response').then(([response]) => consume(response as IncomingMessage, look)),
      produce(post).then(() => post.end()),
    ])
    t.is(received, EXPECTED)
    t.deepEqual(taken, [EXPECTED])
    t.true(most < HELD, `${most} bytes were held`)
  })
}
