import { OAuthError } from '../errors.ts'
import type { OAuthErrorCode } from '../errors.ts'
import type { ClientRequest } from './client-message.ts'
import { wantBody } from './want-body.ts'

/** The fields of a form. One without a value is left out. */
export interface Form {
  readonly fields: ReadonlyMap<string, string>
  /** The values of the fields that may come several times, in order. */
  readonly repeated: ReadonlyMap<string, readonly string[]>
}

export interface FormRules {
  /** Fields that may come several times. */
  readonly repeatable: readonly string[]
  /** The error for what is no form. */
  readonly notForm: OAuthErrorCode
}

/** A JWT assertion may have 51,200 characters; a form has to hold one. */
const MAX_BYTES = 64 * 1024
const MAX_FIELDS = 50
const TIME_LIMIT = 10_000

/**
 * Reads an OAuth form (RFC 6749 §3.2): no field twice, unless the rules say so; a field without a value counts as absent.
 * @throws OAuthError `invalid_request`, `request_too_large`, or what the rules say
 */
export async function readForm(request: ClientRequest, rules: FormRules): Promise<Form> {
  const type = request.headers['content-type']?.split(';')[0]?.trim().toLowerCase()
  if (type !== 'application/x-www-form-urlencoded') {
    throw new OAuthError(rules.notForm, {
      reason: 'not-a-form',
      got: type ?? 'no content type',
      want: 'application/x-www-form-urlencoded',
    })
  }
  if (request.headers['content-encoding'] !== undefined) {
    throw new OAuthError('invalid_request', { reason: 'encoded-form' })
  }
  return parseForm(await readBody(request), rules.repeatable)
}

/** @throws OAuthError `invalid_request` */
export function parseForm(body: Buffer, repeatable: readonly string[] = []): Form {
  let text: string
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(body)
  } catch {
    throw new OAuthError('invalid_request', { reason: 'form-not-utf8' })
  }
  // URLSearchParams would turn what it cannot decode into U+FFFD or leave it as it is.
  if (/%(?![0-9A-Fa-f]{2})/.test(text)) {
    throw new OAuthError('invalid_request', { reason: 'form-bad-escape' })
  }
  const fields = new Map<string, string>()
  const repeated = new Map<string, string[]>(repeatable.map((name) => [name, []]))
  const seen = new Set<string>()
  let count = 0
  for (const [name, value] of new URLSearchParams(text)) {
    const values = repeated.get(name)
    if (seen.has(name) && !values) {
      const got = nameOf(name)
      throw new OAuthError('invalid_request', { reason: 'repeated-parameter', got })
    }
    if (++count > MAX_FIELDS) {
      throw new OAuthError('invalid_request', { reason: 'too-many-parameters' })
    }
    if (value.includes('\uFFFD')) {
      throw new OAuthError('invalid_request', { reason: 'form-not-utf8', got: nameOf(name) })
    }
    seen.add(name)
    if (value === '') continue
    if (values) values.push(value)
    else fields.set(name, value)
  }
  return { fields, repeated }
}

function readBody(request: ClientRequest): Promise<Buffer> {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer>()
  const chunks: Buffer[] = []
  let size = 0
  wantBody(request)
  const stop = (error: OAuthError) => {
    request.off('data', take)
    request.pause()
    reject(error)
  }
  const take = (chunk: Buffer) => {
    size += chunk.length
    chunks.push(chunk)
    if (size > MAX_BYTES) {
      const want = `at most ${MAX_BYTES} bytes`
      stop(new OAuthError('request_too_large', { reason: 'form-too-large', want }))
    }
  }
  const timer = setTimeout(() => {
    stop(new OAuthError('invalid_request', { reason: 'form-too-slow' }))
  }, TIME_LIMIT)
  request.on('data', take)
  request.once('end', () => {
    resolve(Buffer.concat(chunks))
  })
  request.once('close', () => {
    reject(new OAuthError('invalid_request', { reason: 'form-cut-off' }))
  })
  return promise.finally(() => {
    clearTimeout(timer)
  })
}

const KNOWN = new Set(
  `grant_type client_id client_secret client_assertion client_assertion_type scope resource token
  token_type_hint`.split(/\s+/),
)

/** A body that is no form has its contents where the names are. */
function nameOf(field: string): string {
  return KNOWN.has(field) ? field : 'a parameter that is not of OAuth'
}
