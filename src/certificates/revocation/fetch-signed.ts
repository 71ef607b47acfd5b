import { request as overHttp } from 'node:http'
import type { IncomingMessage } from 'node:http'
import { request as overHttps } from 'node:https'

import type { Refusal } from '#contract'

export interface SignedRequest {
  readonly url: URL
  /** Sent by POST; absent: GET. */
  readonly body?: { readonly type: string; readonly bytes: Uint8Array }
  /** Milliseconds for all of it. */
  readonly timeout: number
  readonly maxBytes: number
}

export type SignedReading =
  | { readonly ok: true; readonly bytes: Buffer }
  | (Refusal & { readonly ok: false })

/**
 * Gets something that carries its own signature, so plain HTTP will do. Follows no redirect, keeps no connection.
 * Reasons: `fetch-failed`, `fetch-timeout`, `fetch-status`, `fetch-too-large`.
 */
export function fetchSigned({
  url,
  body,
  timeout,
  maxBytes,
}: SignedRequest): Promise<SignedReading> {
  const { promise, resolve } = Promise.withResolvers<SignedReading>()
  const refuse = (reason: string, got: string) => {
    resolve({ ok: false, reason, got })
    outgoing.destroy()
  }
  const open = url.protocol === 'https:' ? overHttps : overHttp
  const outgoing = open(url, {
    agent: false,
    method: body ? 'POST' : 'GET',
    headers: {
      connection: 'close',
      ...(body && { 'content-type': body.type, 'content-length': body.bytes.length }),
    },
  })
  const timer = setTimeout(() => {
    refuse('fetch-timeout', `nothing whole in ${timeout} ms`)
  }, timeout)
  outgoing.on('error', (error: NodeJS.ErrnoException) => {
    refuse('fetch-failed', error.code ?? 'error')
  })
  outgoing.on('response', (incoming: IncomingMessage) => {
    if (incoming.statusCode !== 200) return refuse('fetch-status', `status ${incoming.statusCode}`)
    const chunks: Buffer[] = []
    let size = 0
    incoming.on('data', (chunk: Buffer) => {
      size += chunk.length
      chunks.push(chunk)
      if (size > maxBytes) refuse('fetch-too-large', `more than ${maxBytes} bytes`)
    })
    incoming.on('error', () => {
      refuse('fetch-failed', 'half an answer')
    })
    incoming.on('end', () => {
      resolve({ ok: true, bytes: Buffer.concat(chunks, size) })
    })
  })
  outgoing.end(body?.bytes)
  return promise.finally(() => {
    clearTimeout(timer)
  })
}
