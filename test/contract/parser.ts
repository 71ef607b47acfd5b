import type { TestFn } from 'ava'
import * as fc from 'fast-check'

import type {
  AuthRequest,
  Credential,
  Malformed,
  Parser,
  PeerCertificate,
  Purpose,
} from '#contract'

import { aPeer, aRequest } from './build.ts'

const KEBAB = /^[a-z][a-z\d]*(-[a-z\d]+)*$/
const CANARY = 'canary-7f3a-secret'
const PURPOSES: readonly Purpose[] = ['token', 'introspection', 'revocation', 'api']

/** What every parser must hold to, whatever a client sends. */
export function parserContract(test: TestFn, name: string, open: () => Promise<Parser>): void {
  test(`${name}: says which method it reads and what comes of it`, async (t) => {
    const parser = await open()
    t.regex(parser.method, /^[a-z\d_]+$/)
    t.true(parser.produces.length > 0)
    for (const header of parser.privateHeaders ?? []) t.regex(header, /^[\w-]+\*?$/)
  })

  test(`${name}: an empty request is not its own`, async (t) => {
    const parser = await open()
    for (const purpose of PURPOSES) t.is(parser.parse(aRequest({ purpose })), undefined)
  })

  test(`${name}: whatever is sent, it answers in the agreed form and gives away no secret`, async (t) => {
    const parser = await open()
    const property = fc.property(requests, (request) => {
      const before = structuredClone([request.headers, [...request.form]])
      checkRelayed(parser, request)
      check(parser, parser.parse(request))
      t.deepEqual([request.headers, [...request.form]], before)
    })
    fc.assert(property, { numRuns: 2000 })
    t.pass()
  })

  test(`${name}: a value of a million characters is answered like any other`, async (t) => {
    const parser = await open()
    for (const filler of ['.', 'A', '%', '=', ':', '{', ' ', 'eyJ.'])
      for (const field of FIELDS) {
        const huge = filler.repeat(1_000_000 / filler.length)
        const headers = { authorization: `Basic ${huge}` }
        const form = new Map([...COMPANIONS, [field, huge]])
        check(parser, parser.parse(aRequest({ headers, form })))
      }
    t.pass()
  })
}

function checkRelayed(parser: Parser, request: AuthRequest): void {
  const said = parser.behindProxy?.(request)
  if (said === undefined) return
  if ('malformed' in said) check(parser, said)
  else if (said.peer && said.peer.raw.length === 0) throw new Error('a certificate without bytes')
}

function check(parser: Parser, seen: Credential | Malformed | undefined): void {
  if (seen === undefined) return
  if ('malformed' in seen) {
    if (!KEBAB.test(seen.malformed)) throw new Error(`no machine word: ${seen.malformed}`)
    const text = JSON.stringify(seen)
    if (text.includes(CANARY)) throw new Error(`gives the secret away: ${text}`)
    if (text.length > 2000) throw new Error(`says too much: ${text.length} characters`)
    return
  }
  for (const credential of [seen, seen.alternative]) {
    if (credential === undefined) continue
    if (credential.kind !== parser.produces) throw new Error(`unexpected kind ${credential.kind}`)
    const id = credential.claimedClientId
    if (id !== undefined && (id === '' || id.length > 4096))
      throw new Error(`a client id of ${id.length} characters`)
  }
}

const FIELDS = [
  'client_id',
  'client_secret',
  'client_assertion',
  'client_assertion_type',
  'grant_type',
]
const JWT_BEARER = 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer'
const COMPANIONS = [
  ['client_id', 'orders'],
  ['client_secret', CANARY],
  ['client_assertion_type', JWT_BEARER],
] as const

const secret = fc.oneof(
  fc.constant(CANARY),
  fc.string().map((text) => `${text}${CANARY}${text}`),
)
const base64 = (text: string) => Buffer.from(text).toString('base64')
const base64url = (text: string) => Buffer.from(text).toString('base64url')
const assertion = fc
  .array(fc.oneof(fc.json().map(base64url), fc.string()), { minLength: 1, maxLength: 6 })
  .map((parts) => parts.join('.'))
const authorization = fc.oneof(
  fc.string(),
  fc.string().map((text) => `Basic ${text}`),
  fc.tuple(fc.string(), secret).map(([id, text]) => `basic ${base64(`${id}:${text}`)}`),
  fc.uint8Array().map((bytes) => `BASIC ${Buffer.from(bytes).toString('base64')}`),
  secret.map((text) => `Basic ${text}`),
  fc.string().map((text) => `Bearer ${text}`),
)
const peer = fc.option(
  fc.constant(aPeer()).map((one): PeerCertificate => one),
  { nil: undefined },
)
const fields = fc.record(
  {
    client_id: fc.string(),
    client_secret: secret,
    client_assertion: fc.oneof(assertion, secret),
    client_assertion_type: fc.oneof(fc.constant(JWT_BEARER), fc.webUrl(), fc.string()),
    grant_type: fc.string(),
  },
  { requiredKeys: [] },
)

const requests: fc.Arbitrary<AuthRequest> = fc
  .record({
    purpose: fc.constantFrom(...PURPOSES),
    method: fc.constantFrom('GET', 'POST', 'M-SEARCH'),
    path: fc.webPath(),
    authorization: fc.option(authorization, { nil: undefined }),
    certificate: fc.option(authorization, { nil: undefined }),
    remoteAddress: fc.constantFrom('10.1.2.3', '192.0.2.1', '::1'),
    fields,
    peer,
  })
  .map(({ authorization: header, certificate: told, fields: form, peer: certificate, ...rest }) =>
    aRequest({
      ...rest,
      headers: { authorization: header, 'client-cert': told },
      form: rest.purpose === 'api' ? new Map() : new Map(Object.entries(form)),
      ...(certificate && { peer: certificate }),
    }),
  )
