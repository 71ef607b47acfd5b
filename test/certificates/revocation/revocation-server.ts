import { once } from 'node:events'
import { createServer } from 'node:http'
import type { IncomingMessage, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

import type { Ending } from '../../support/recording-upstream.ts'
import { der } from '../path/mint.ts'
import type { Extension } from '../path/mint.ts'

/** What a place answers: bytes, or whatever it does instead. */
export type Place = Uint8Array | ((request: IncomingMessage, response: ServerResponse) => void)

export interface RevocationServer {
  readonly port: number
  /** `127.0.0.1:PORT`. */
  readonly host: string
  url(path: string): string
  /** Sets what a path answers. */
  serve(path: string, place: Place): void
  /** How often a path was asked. */
  asked(path: string): number
  close(): Promise<void>
}

/** A CA's web server, on a port of its own. */
export async function revocationServer(t: Ending): Promise<RevocationServer> {
  const places = new Map<string, Place>()
  const counts = new Map<string, number>()
  const server = createServer((request, response) => {
    const path = request.url ?? ''
    counts.set(path, (counts.get(path) ?? 0) + 1)
    const place = places.get(path)
    if (place === undefined) response.writeHead(404).end()
    else if (typeof place === 'function') place(request, response)
    else response.end(place)
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const close = async () => {
    server.closeAllConnections()
    if (!server.listening) return
    server.close()
    await once(server, 'close')
  }
  t.teardown(close)
  const host = `127.0.0.1:${port}`
  return {
    port,
    host,
    url: (path) => `http://${host}${path}`,
    serve: (path, place) => void places.set(path, place),
    asked: (path) => counts.get(path) ?? 0,
    close,
  }
}

const uri = (text: string): Buffer => der.implicit(6, text)

/** Where CRLs are to be had: one point with several addresses. */
export function distributionPoint(...urls: string[]): Extension {
  const name = der.explicit(0, der.explicit(0, ...urls.map(uri)))
  return { oid: '2.5.29.31', value: der.sequence(der.sequence(name)) }
}

/** Whom to ask by OCSP. */
export function responderAt(...urls: string[]): Extension {
  const ocsp = der.oid('1.3.6.1.5.5.7.48.1')
  const value = der.sequence(...urls.map((url) => der.sequence(ocsp, uri(url))))
  return { oid: '1.3.6.1.5.5.7.1.1', value }
}
