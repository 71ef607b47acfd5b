import test from 'ava'
import { generateKeyPair, SignJWT, exportJWK, decodeJwt } from 'jose'

import { secretClient } from '../support/clients.ts'
import { byPath, issuerServer, json } from '../support/issuer-server.ts'
import { pki } from '../support/pki.ts'
import { basic } from '../support/send.ts'
import { tokenRequest } from '../support/token-request.ts'
import { startTarget } from './support/target.ts'
import type { Target } from './support/target.ts'

const SECRET = 'a generated secret'
const SETS = ['generic', 'jwt', 'kong', 'kubernetes', 'oauth2-proxy', 'rfc9440', 'xfcc']
const IDENTITY = {
  identity: { headers: SETS },
  plugins: {
    options: {
      'identity-headers/kubernetes': { groups: ['clients'], scopeGroupPrefix: 'scope:' },
      'identity-headers/xfcc': { certificate: true },
    },
  },
}

/** What somebody may have had certified, or have asked another issuer for. */
const TEXTS: Readonly<Record<string, string>> = {
  'a line of its own': 'a\r\nX-Client-Id: root',
  'a head of its own': 'a\r\n\r\nGET /admin HTTP/1.1\r\nHost: a\r\n\r\n',
  'a bare CR': 'a\rX-Client-Id: root',
  'a bare LF': 'a\nX-Client-Id: root',
  'a NUL': 'a\u0000root',
  'all controls': Array.from({ length: 33 }, (_, i) => String.fromCharCode(i)).join(''),
  'a delete': 'a\u007fb',
  'next line and line separators': 'a\u0085b\u2028c\u2029d',
  'what fits in a byte': Array.from({ length: 128 }, (_, i) => String.fromCharCode(128 + i)).join(
    '',
  ),
  'letters whose low bytes are CR and LF': 'a\u010d\u010aX-Client-Id: root',
  'separators of every list': 'a,root;By=x;Hash=0"\'|&=:\\',
  'a quote that ends': '";Subject="CN=root',
  'a percent sign': '%0d%0aX-Client-Id: root %',
  'blanks around': '  a  ',
  'a tab': 'a\tb',
  'turned writing': '\u202etoor',
  'an encoded word': '=?utf-8?q?root?=',
  'a byte sequence': ':cm9vdA==:',
  'letters beyond the plane': '\u{1f511}\u{10ffff}',
}

/** Hexadecimal escapes of RFC 4514, so that nothing is said by the notation. */
const escaped = (text: string): string =>
  [...Buffer.from(text)].map((octet) => `\\${octet.toString(16).padStart(2, '0')}`).join('')

const NAMES = /^[!#$%&'*+\-.^_`|~0-9A-Za-z]+$/

/** Asserts that one request arrived, whose head says `id` where it says who called. */
function assertOne(at: Target, path: string, id: string): string | undefined {
  if (at.upstream.faults.length > 0) return at.upstream.faults.join()
  const arrived = at.upstream.of(path)
  if (arrived.length !== 1) return `${arrived.length} requests`
  const { headers = [], values } = arrived[0] ?? { values: () => [] }
  const lines = headers.flatMap((name, i) => (i % 2 === 0 ? [[name, headers[i + 1] ?? '']] : []))
  for (const [name = '', value = ''] of lines) {
    if (!NAMES.test(name) || !/^[\x20-\x7e]*$/.test(value)) return `${name}: ${value}`
  }
  for (const name of ['x-client-id', 'x-consumer-username', 'x-remote-user', 'x-forwarded-user'])
    if (values(name).join() !== id) return `${name}: ${values(name).join()}`
  const assertion = values('x-vouchgate-assertion')
  if (assertion.length !== 1) return `${assertion.length} assertions`
  const { sub } = decodeJwt(assertion[0] ?? '')
  return sub === decodeURIComponent(id) ? undefined : `the assertion is of ${sub}`
}

test('whatever a certificate that proves a client holds, it stays in its header', async (t) => {
  const { selfSigned } = await pki()
  const made = await Promise.all(
    Object.entries(TEXTS).map(async ([what, text], i) => {
      const value = escaped(text)
      const identity = await selfSigned({
        subject: `CN=${value}, O=${value}, OU=${value}, UID=${value}`,
        sans: sansOf(text),
      })
      return { what, identity, clientId: `c${i}` }
    }),
  )
  const at = await startTarget(t, {
    settings: IDENTITY,
    clients: made.map(({ clientId, identity }) => ({
      clientId,
      clientSecrets: [{ type: 'X509Thumbprint', value: identity.x509.fingerprint256 }],
      allowedScopes: ['read'],
    })),
  })
  for (const { what, identity, clientId } of made) {
    const { cert, key } = identity
    const { status, text } = await at.send({ path: `/api/${clientId}.`, cert, key })
    t.is(status, 200, `${what}: ${text}`)
    t.is(assertOne(at, `/api/${clientId}.`, clientId), undefined, what)
    t.deepEqual(
      certificatesIn(at, `/api/${clientId}.`),
      [identity.x509.raw.toString('base64')],
      what,
    )
  }
})

/** IA5 only: that is what these names are made of. */
function sansOf(text: string): Record<string, readonly string[]> {
  if (Buffer.byteLength(text) !== text.length) return { dns: ['a.example'] }
  return { dns: [text], uri: [`urn:x:${text}`], email: [`${text}@example.test`] }
}

function certificatesIn({ upstream }: Target, path: string): readonly string[] {
  const [arrived] = upstream.of(path)
  return (arrived?.values('client-cert') ?? []).map((value) => value.replaceAll(':', ''))
}

test('whatever a client is called, its name stays in its header', async (t) => {
  const clients = Object.values(TEXTS).map((text, i) =>
    secretClient(`n${i}`, SECRET, { clientName: text.slice(0, 200) }),
  )
  const at = await startTarget(t, { settings: IDENTITY, clients })
  for (const [i, what] of Object.keys(TEXTS).entries()) {
    const headers = { authorization: basic(`n${i}`, SECRET) }
    const { status, text } = await at.send({ path: `/api/n${i}.`, headers })
    t.is(status, 200, `${what}: ${text}`)
    t.is(assertOne(at, `/api/n${i}.`, `n${i}`), undefined, what)
  }
})

test('an id of any characters that may be in one names its client and no other, also in a token', async (t) => {
  const ids = Object.values(TEXTS).filter(
    (text) => !/[\p{Cc}\p{Cs}]/u.test(text) && text.length <= 100,
  )
  t.true(ids.length > 5)
  const clients = ids.map((id) => secretClient(id, SECRET))
  const at = await startTarget(t, { settings: IDENTITY, clients })
  for (const [i, id] of ids.entries()) {
    const authorization = basic(id, SECRET)
    const token = await at.send(tokenRequest({ headers: { authorization } }))
    t.is(token.status, 200, `${id}: ${token.text}`)
    const bearer = `Bearer ${token.json<{ access_token: string }>().access_token}`
    for (const proof of [authorization, bearer]) {
      const path = `/api/i${i}.${proof === bearer ? 'b' : 'a'}.`
      const { status } = await at.send({ path, headers: { authorization: proof } })
      t.is(status, 200, id)
      const [told = ''] = at.upstream.of(path)[0]?.values('x-client-id') ?? []
      t.is(decodeURIComponent(told), id)
      t.is(assertOne(at, path, told), undefined, id)
    }
  }
})

test('whatever another issuer’s token holds, it stays in its header or nobody is let in', async (t) => {
  const keys = await generateKeyPair('ES256')
  const server = await issuerServer(t)
  server.reply = byPath({
    '/jwks': json({ keys: [{ ...(await exportJWK(keys.publicKey)), kid: '1', alg: 'ES256' }] }),
  })
  const issuer = {
    issuer: server.url,
    jwks: { url: `${server.url}/jwks` },
    audience: ['urn:api'],
    clientPrefix: 'idp:',
    insecure: true,
  }
  const at = await startTarget(t, { settings: { ...IDENTITY, issuers: [issuer] } })
  let passed = 0
  for (const [i, [what, text]] of Object.entries(TEXTS).entries()) {
    const token = await new SignJWT({ client_id: text, scope: `read ${text}`, name: text })
      .setProtectedHeader({ alg: 'ES256', kid: '1', typ: 'at+jwt' })
      .setIssuer(server.url)
      .setSubject(text)
      .setAudience('urn:api')
      .setIssuedAt()
      .setJti(`${i}`)
      .setExpirationTime('5m')
      .sign(keys.privateKey)
    const path = `/api/t${i}.`
    const { status } = await at.send({ path, headers: { authorization: `Bearer ${token}` } })
    const arrived = at.upstream.of(path)
    if (/[\p{Cc}\p{Cs}]/u.test(text)) t.is(status, 401, what)
    if (status === 200) {
      passed++
      const [told = ''] = arrived[0]?.values('x-client-id') ?? []
      t.is(decodeURIComponent(told), `idp:${text}`, what)
      t.is(assertOne(at, path, told), undefined, what)
    } else t.deepEqual(arrived, [], what)
  }
  t.is(at.upstream.arrived.length, passed)
  t.true(passed > 3)
  await at.serves()
})
