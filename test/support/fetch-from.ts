import { Agent, fetch as undiciFetch } from 'undici'

import type { Identity } from './pki.ts'
import type { Ending } from './recording-upstream.ts'
import { ISSUER } from './start-sidecar.ts'
import type { Running } from './start-sidecar.ts'

/** A `fetch` for libraries: the issuer's name leads to the sidecar, over TLS and with a client certificate if there is one. */
export function fetchFrom(
  t: Ending,
  { port, pki }: Running,
  identity?: Pick<Identity, 'cert' | 'key'>,
): (url: string, options: object) => Promise<Response> {
  const { cert, key } = identity ?? {}
  const dispatcher = new Agent({
    connect: { ca: pki.rootCa.pem, ...(cert !== undefined && { cert, key }) },
  })
  t.teardown(() => dispatcher.close())
  return async (url, options) => {
    const target = url.replace(ISSUER, `https://127.0.0.1:${port}`)
    return undiciFetch(target, { ...options, dispatcher })
  }
}
