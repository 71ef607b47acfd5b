import { createServer } from 'node:http'
import type { Server } from 'node:http'

import type { Metrics } from './metrics.ts'
import type { Readiness } from './readiness.ts'

/** Plain HTTP for kubelet and Prometheus. Not yet listening. GET and HEAD only, nothing has a side effect. */
export function operationsServer(
  readiness: () => Readiness,
  metrics: Pick<Metrics, 'render'>,
): Server {
  const answers = new Map<string, () => Answer | Promise<Answer>>([
    ['/livez', () => ({ status: 200, type: TEXT, body: 'ok\n' })],
    [
      '/readyz',
      () => {
        const { ready, details } = readiness()
        const body = [ready ? 'ok' : 'not ready', ...details, ''].join('\n')
        return { status: ready ? 200 : 503, type: TEXT, body }
      },
    ],
    [
      '/metrics',
      async () => {
        const { contentType, text } = await metrics.render()
        return { status: 200, type: contentType, body: text }
      },
    ],
  ])
  const server = createServer(LIMITS, (request, response) => {
    const answer = answers.get(request.url?.split('?')[0] ?? '') ?? notFound
    const isRead = request.method === 'GET' || request.method === 'HEAD'
    const reply = ({ status, type, body }: Answer) => {
      response.writeHead(status, {
        'content-type': type,
        'content-length': Buffer.byteLength(body),
        'cache-control': 'no-store',
        ...(status === 405 && { allow: 'GET, HEAD' }),
      })
      response.end(body)
    }
    const chosen = isRead || answer === notFound ? answer : notAllowed
    Promise.resolve(chosen()).then(reply, () => {
      reply({ status: 500, type: TEXT, body: 'failed\n' })
    })
  })
  server.maxConnections = MAX_CONNECTIONS
  return server
}

// Kubelet and Prometheus need a few; whoever opens hundreds and says nothing must not take what is theirs for long.
const MAX_CONNECTIONS = 256
const LIMITS = {
  maxHeaderSize: 8192,
  headersTimeout: 5000,
  requestTimeout: 5000,
  connectionsCheckingInterval: 1000,
}

interface Answer {
  readonly status: number
  readonly type: string
  readonly body: string
}

const TEXT = 'text/plain; charset=utf-8'

function notFound(): Answer {
  return { status: 404, type: TEXT, body: 'There is /livez, /readyz and /metrics.\n' }
}

function notAllowed(): Answer {
  return { status: 405, type: TEXT, body: 'Only GET and HEAD.\n' }
}
