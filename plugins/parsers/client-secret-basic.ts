import type { Credential, Malformed, Parser, ParserPlugin } from '#contract'
import { z } from 'zod'

const limit = z.int().min(1).max(4096)
const options = z
  .strictObject({
    /** Characters, after decoding. */
    maxIdLength: limit.default(100),
    /** Characters, after decoding. */
    maxSecretLength: limit.default(100),
  })
  .prefault({})

type Limits = z.infer<typeof options>

/** Client id and secret in a Basic header (RFC 6749 §2.3.1), read with form-decoding and without. */
export default {
  contract: 1,
  options,
  setup: (limits): Parser<'shared_secret'> => ({
    method: 'client_secret_basic',
    produces: 'shared_secret',
    challenge: 'Basic',
    parse: ({ headers }) => readHeader(headers['authorization'], limits),
  }),
} satisfies ParserPlugin<Limits>

function readHeader(header: string | undefined, limits: Limits) {
  if (header === undefined || !/^basic( |$)/i.test(header)) return undefined
  const longest = 4 * (limits.maxIdLength + limits.maxSecretLength) + 10
  if (header.length > longest) return tooLong('basic-too-long', header, longest)
  const text = decodeText(header.slice('basic'.length).replace(/^ +/, ''))
  return typeof text === 'string' ? readPair(text, limits) : text
}

function decodeText(encoded: string): string | Malformed {
  const bytes = Buffer.from(encoded, 'base64')
  // Node skips what is no base64, so only a round trip tells.
  if (encoded === '' || bytes.toString('base64') !== encoded) return notBase64(encoded)
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes)
  } catch {
    return { malformed: 'basic-malformed-utf8', want: 'UTF-8 under the base64' }
  }
}

function notBase64(encoded: string): Malformed {
  const hint = encoded.includes(':')
    ? 'the client sends id:secret without encoding it'
    : /^[\w-]+$/.test(encoded)
      ? 'unpadded base64 and base64url are not accepted'
      : undefined
  const want = 'padded base64 and nothing else'
  return { malformed: 'basic-malformed-base64', want, ...(hint && { hint }) }
}

function readPair(text: string, limits: Limits): Credential<'shared_secret'> | Malformed {
  if (hasControls(text)) return { malformed: 'basic-control-characters' }
  const colon = text.indexOf(':')
  if (colon === -1) return { malformed: 'basic-without-colon', want: 'id:secret' }
  const raw = { id: text.slice(0, colon), secret: text.slice(colon + 1) }
  if (raw.id === '') return { malformed: 'basic-empty-id' }
  if (raw.secret === '') return { malformed: 'basic-empty-secret' }

  const strict = formDecoded(raw)
  const fault = overLimit(strict ?? raw, limits)
  if (fault) return fault
  if (strict === undefined) return { ...credential(raw), reading: 'raw' }
  if (strict.id === raw.id && strict.secret === raw.secret) return credential(raw)
  // Encoding only lengthens: what is too long as it stands may still be right when decoded.
  if (overLimit(raw, limits)) return { ...credential(strict), reading: 'strict' }
  const alternative = { ...credential(raw), reading: 'raw' } as const
  return { ...credential(strict), reading: 'strict', alternative }
}

interface Pair {
  readonly id: string
  readonly secret: string
}

/** RFC 6749 appendix B, or `undefined` when the text cannot have been encoded so. */
function formDecoded({ id, secret }: Pair): Pair | undefined {
  try {
    const pair = { id: formDecode(id), secret: formDecode(secret) }
    return hasControls(pair.id + pair.secret) ? undefined : pair
  } catch {
    return undefined
  }
}

function formDecode(text: string): string {
  return decodeURIComponent(text.replaceAll('+', ' '))
}

function credential({ id, secret }: Pair) {
  return { kind: 'shared_secret', claimedClientId: id, secret } as const
}

function overLimit({ id, secret }: Pair, limits: Limits): Malformed | undefined {
  if (id.length > limits.maxIdLength) return tooLong('basic-id-too-long', id, limits.maxIdLength)
  if (secret.length > limits.maxSecretLength)
    return tooLong('basic-secret-too-long', secret, limits.maxSecretLength)
  return undefined
}

function tooLong(malformed: string, text: string, most: number): Malformed {
  return { malformed, got: `${text.length} characters`, want: `at most ${most}` }
}

function hasControls(text: string): boolean {
  return /\p{Cc}/u.test(text)
}
