import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** What ends with the test, or with the file: `ExecutionContext` is one. */
export interface Ending {
  teardown(end: () => unknown): void
}

/** A request as it arrived behind the sidecar. */
export interface Arrived {
  readonly method: string
  readonly url: string
  /** Name and value in turn, as they came. */
  readonly rawHeaders: readonly string[]
  readonly headers: IncomingMessage['headers']
  readonly body: Buffer
}

export interface RecordingUpstream {
  readonly port: number
  readonly arrived: readonly Arrived[]
}

export type Answer = (request: IncomingMessage, response: ServerResponse, arrived: Arrived) => void

const OK: Answer = (_request, response) => {
  response.writeHead(200, { 'content-type': 'text/plain' }).end('upstream says hello')
}

/** An API that remembers what it received. It stands for the API behind us, which is not ours. */
export async function recordingUpstream(
  t: Ending,
  answer: Answer = OK,
): Promise<RecordingUpstream> {
  const arrived: Arrived[] = []
  const take = async (request: IncomingMessage, response: ServerResponse) => {
    const chunks: Buffer[] = []
    try {
      for await (const chunk of request) chunks.push(chunk as Buffer)
    } catch {
      return
    }
    const one = {
      method: request.method ?? '',
      url: request.url ?? '',
      rawHeaders: request.rawHeaders,
      headers: request.headers,
      body: Buffer.concat(chunks),
    }
    arrived.push(one)
    answer(request, response, one)
  }
  const server = createServer((request, response) => void take(request, response))
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, arrived }
}
