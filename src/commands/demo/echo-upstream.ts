import { createServer } from 'node:http'
import type { Server } from 'node:http'

/** A small API for trying things out: answers with the method, path and headers that it received. */
export function echoUpstream(): Server {
  return createServer((request, response) => {
    const { method, url: path, headers } = request
    request.resume().on('end', () => {
      const body = JSON.stringify({ method, path, headers }, null, 2)
      response.writeHead(200, { 'content-type': 'application/json' }).end(`${body}\n`)
    })
  })
}
