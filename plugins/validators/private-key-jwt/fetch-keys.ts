import { request } from 'node:https'

import type { FetchKeys, Failure } from './remote-keys.ts'

export interface FetchRules {
  /** PEM; absent: the public authorities. */
  readonly ca?: string | undefined
  /** Seconds. */
  readonly timeout: number
  readonly maxBytes: number
  /** For whoever gives its keys to those only that it knows. */
  readonly authorization?: string
}

/** Gets a JWK Set over HTTPS. Follows no redirect, keeps no connection. */
export function fetchKeysBy({ ca, timeout, maxBytes, authorization }: FetchRules): FetchKeys {
  return (url) => {
    const { promise, resolve } = Promise.withResolvers<Awaited<ReturnType<FetchKeys>>>()
    const headers = {
      accept: 'application/jwk-set+json, application/json',
      connection: 'close',
      ...(authorization !== undefined && { authorization }),
    }
    const outgoing = request(url, { agent: false, headers, ...(ca !== undefined && { ca }) })
    const refuse = (got: string) => {
      const failure: Failure = { ok: false, reason: 'jwks-unavailable', got }
      resolve(failure)
      outgoing.destroy()
    }
    const timer = setTimeout(() => {
      refuse(`nothing whole in ${timeout} s`)
    }, timeout * 1000)
    outgoing.on('error', (error: NodeJS.ErrnoException) => {
      refuse(error.code ?? 'no connection')
    })
    outgoing.on('response', (incoming) => {
      if (incoming.statusCode !== 200) return refuse(`status ${incoming.statusCode}`)
      const chunks: Buffer[] = []
      let size = 0
      incoming.on('data', (chunk: Buffer) => {
        size += chunk.length
        if (size > maxBytes) return refuse(`more than ${maxBytes} bytes`)
        chunks.push(chunk)
      })
      incoming.on('error', () => {
        refuse('half an answer')
      })
      incoming.on('end', () => {
        resolve({ ok: true, text: Buffer.concat(chunks).toString('utf8') })
      })
    })
    outgoing.end()
    return promise.finally(() => {
      clearTimeout(timer)
    })
  }
}
