import { createHash, randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { createServer, request } from 'node:http'
import type { IncomingMessage, RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Writable } from 'node:stream'

import type { ExecutionContext } from 'ava'
import test from 'ava'

import { front } from './support/front.ts'

const MIB = 1024 * 1024
const BLOCK = randomBytes(65_536)
const BLOCKS = 1024

/**
 * How much may be in all buffers on the way at once: sockets' of four ends and ours; half of what
 * is sent.
 */
const UNDER_WAY = 32 * MIB

/** Of everything that `produce` writes. */
const EXPECTED = ((): string => {
  const hash = createHash('sha256')
  for (let i = 0; i < BLOCKS; i++) hash.update(BLOCK)
  return hash.digest('hex')
})()

interface Progress {
  produced: number
  consumed: number
  /** The most that was produced and not yet consumed. */
  lead: number
}

/** Writes 64 MiB as fast as it is taken. */
async function produce(to: Writable, progress: Progress): Promise<void> {
  for (let i = 0; i < BLOCKS; i++) {
    progress.produced += BLOCK.length
    if (!to.write(BLOCK)) await once(to, 'drain')
  }
  to.end()
}

/** Reads to the end, slower than any producer, and gives the SHA-256. */
async function consume(from: IncomingMessage, progress: Progress): Promise<string> {
  const hash = createHash('sha256')
  for await (const chunk of from) {
    hash.update(chunk as Buffer)
    progress.consumed += (chunk as Buffer).length
    progress.lead = Math.max(progress.lead, progress.produced - progress.consumed)
    await new Promise(setImmediate)
  }
  return hash.digest('hex')
}

async function gatewayBefore(t: ExecutionContext, listener: RequestListener): Promise<number> {
  const upstream = createServer(listener).listen(0, '127.0.0.1')
  await once(upstream, 'listening')
  t.teardown(() => {
    upstream.closeAllConnections()
    upstream.close()
  })
  return (await front(t, (upstream.address() as AddressInfo).port)).port
}

for (const lines of [{}, { 'content-length': BLOCKS * BLOCK.length }]) {
  const framing = Object.keys(lines)[0] ?? 'chunks'
  test(`64 MiB framed by ${framing} go down unchanged, as slowly as the client reads`, async (t) => {
    const progress = { produced: 0, consumed: 0, lead: 0 }
    const port = await gatewayBefore(t, (_request, response) => {
      response.writeHead(200, lines)
      void produce(response, progress)
    })
    const get = request({ port, host: '127.0.0.1', agent: false }).end()
    const [response] = (await once(get, 'response')) as [IncomingMessage]
    t.is(await consume(response, progress), EXPECTED)
    t.true(progress.lead < UNDER_WAY, `${progress.lead} bytes were under way at once`)
  })

  test(`64 MiB framed by ${framing} go up unchanged, as slowly as the upstream reads`, async (t) => {
    const progress = { produced: 0, consumed: 0, lead: 0 }
    const port = await gatewayBefore(t, (incoming, response) => {
      void consume(incoming, progress).then((hash) => response.end(hash))
    })
    const headers = lines
    const post = request({ port, host: '127.0.0.1', method: 'POST', agent: false, headers })
    const [[response]] = await Promise.all([
      once(post, 'response') as Promise<[IncomingMessage]>,
      produce(post, progress),
    ])
    const [hash] = (await once(response.setEncoding('latin1'), 'data')) as [string]
    t.is(hash, EXPECTED)
    t.true(progress.lead < UNDER_WAY, `${progress.lead} bytes were under way at once`)
  })
}
