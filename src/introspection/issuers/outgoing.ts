import { IssuerUnavailableError } from '../../errors.ts'
import { strictJsonObject } from './strict-json.ts'
import type { JsonObject } from './strict-json.ts'

export interface OutgoingOptions {
  /** Milliseconds for one answer, all in all. */
  readonly timeout: number
  /** PEM: who may vouch for the servers; absent: those that Node knows. */
  readonly ca: string | undefined
  /** PEM: our certificate and its key. */
  readonly certificate: string | undefined
  readonly key: string | undefined
}

export interface Call {
  readonly url: URL
  /** Sent by POST; absent: it is a GET. */
  readonly form?: Readonly<Record<string, string>>
  readonly headers?: Readonly<Record<string, string>>
  /** Bytes that the answer may have. */
  readonly limit: number
}

/** An answer in JSON, or that they found fault with the question. */
export type Answer =
  | { readonly status: 200; readonly body: JsonObject }
  | { readonly status: 400 | 404; readonly body: JsonObject | undefined }

/** Asks the servers of one issuer. */
export interface Outgoing {
  /** @throws IssuerUnavailableError for every other answer, and for none */
  ask(call: Call): Promise<Answer>
  close(): Promise<void>
}

/** Waiting for an answer at once; one more fails. */
const MOST_PENDING = 500
const JSON_TYPE = /^application\/([a-z0-9.-]+\+)?json\s*(;|$)/i

/** Redirects are not followed, answers not decompressed; nothing is read beyond the limits. */
export function outgoing({ timeout, ca, certificate, key }: OutgoingOptions): Outgoing {
  // All of undici is loaded by the first question: few sidecars ask anybody, and it takes megabytes.
  const load = async () => {
    const undici = await import('undici')
    const dispatcher = new undici.Agent({
      connections: 32,
      pipelining: 1,
      allowH2: false,
      headersTimeout: timeout,
      bodyTimeout: timeout,
      keepAliveTimeout: 10_000,
      connect: {
        timeout,
        minVersion: 'TLSv1.2',
        ...(ca !== undefined && { ca }),
        ...(certificate !== undefined && { cert: certificate }),
        ...(key !== undefined && { key }),
      },
    })
    return { request: undici.request, dispatcher }
  }
  let loaded: ReturnType<typeof load> | undefined
  let pending = 0

  async function ask({ url, form, headers, limit }: Call): Promise<Answer> {
    const body = form && new URLSearchParams(form).toString()
    const { request, dispatcher } = await (loaded ??= load())
    const { statusCode: status, ...answer } = await request(url, {
      dispatcher,
      method: body === undefined ? 'GET' : 'POST',
      signal: AbortSignal.timeout(timeout),
      headers: {
        ...headers,
        accept: 'application/json',
        ...(body !== undefined && { 'content-type': 'application/x-www-form-urlencoded' }),
      },
      ...(body !== undefined && { body }),
    })
    // To be cut off is an error of the stream too, and one that nobody hears ends the process.
    answer.body.on('error', () => undefined)
    const fault = (what: string) => new IssuerUnavailableError(`${url.host}: ${what}`, { status })
    try {
      if (status !== 200 && status !== 400 && status !== 404) throw fault(`status ${status}`)
      const type = String(answer.headers['content-type'] ?? 'no content-type')
      const object = JSON_TYPE.test(type) ? await readObject(answer.body, limit) : undefined
      if (status !== 200) return { status, body: object === 'too large' ? undefined : object }
      if (object === 'too large') throw fault(`an answer of more than ${limit} bytes`)
      if (object) return { status, body: object }
      const what = JSON_TYPE.test(type)
        ? 'no JSON object without repeated names'
        : type.slice(0, 60)
      throw fault(`${what}, where JSON is wanted`)
    } finally {
      // What was not read must not be waited for.
      answer.body.destroy()
    }
  }

  return {
    async ask(call) {
      const { host } = call.url
      if (pending >= MOST_PENDING)
        throw new IssuerUnavailableError(`${host}: too many calls at once`)
      pending++
      try {
        return await ask(call)
      } catch (error) {
        if (error instanceof IssuerUnavailableError) throw error
        throw new IssuerUnavailableError(`${host}: ${failureOf(error, timeout)}`, { cause: error })
      } finally {
        pending--
      }
    },
    async close() {
      await (await loaded)?.dispatcher.close()
    },
  }
}

async function readObject(
  body: AsyncIterable<Uint8Array>,
  limit: number,
): Promise<JsonObject | undefined | 'too large'> {
  const chunks: Uint8Array[] = []
  let size = 0
  for await (const chunk of body) {
    size += chunk.length
    if (size > limit) return 'too large'
    chunks.push(chunk)
  }
  return strictJsonObject(Buffer.concat(chunks))
}

function failureOf(error: unknown, timeout: number): string {
  if (!(error instanceof Error)) return 'failed'
  const code = 'code' in error && typeof error.code === 'string' ? error.code : ''
  if (error.name === 'TimeoutError' || code.endsWith('_TIMEOUT')) {
    return `no whole answer in ${timeout} ms`
  }
  // A name with several addresses fails with one error for each, and an empty message over them.
  return (error.message || code || error.name).slice(0, 200)
}
