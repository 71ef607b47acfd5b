import type { ExecutionContext } from 'ava'

import { sha256 } from '../../support/clients.ts'
import { pki } from '../../support/pki.ts'
import type { Identity } from '../../support/pki.ts'
import { ASSERTION_TYPE, signAssertion } from '../../support/sign-assertion.ts'
import type { AssertionOptions } from '../../support/sign-assertion.ts'
import { ISSUER, startSidecar } from '../../support/start-sidecar.ts'
import { TOKEN, tokenRequest } from '../../support/token-request.ts'
import { assertKnown, assertNotKnown } from './checks.ts'
import type { Check, Checks } from './checks.ts'

const TYPED = 'client-authentication+jwt'
const now = () => Math.floor(Date.now() / 1000)
const encoded = (text: string) => Buffer.from(text).toString('base64url')
const decoded = (text = '') => Buffer.from(text, 'base64url').toString()

/** A sidecar with two clients, each with a key. `options` are those of the validator. */
async function started(t: ExecutionContext, options: Readonly<Record<string, unknown>> = {}) {
  const { client, otherClient, rsaClient } = await pki()
  const rsa = await rsaClient()
  const jwk = ({ publicKeyJwk }: Identity) => JSON.stringify(publicKeyJwk)
  const running = await startSidecar(t, {
    settings: { plugins: { options: { 'validators/private-key-jwt': options } } },
    clients: [
      { clientId: 'client', clientSecrets: [{ type: 'JWK', value: jwk(client) }] },
      { clientId: 'other', clientSecrets: [{ type: 'JWK', value: jwk(otherClient) }] },
      {
        clientId: 'restricted',
        clientSecrets: [{ type: 'JWK', value: jwk(rsa), algorithms: ['PS256'] }],
      },
      { clientId: 'by secret', clientSecrets: [{ value: sha256('secret') }] },
    ],
  })
  const post = (form: Readonly<Record<string, string>>) => running.send(tokenRequest({ form }))
  const ask = async (
    signed: AssertionOptions = {},
    fields: Readonly<Record<string, string>> = {},
    [id, by]: readonly [string, Identity] = ['client', client],
  ) => post({ ...(await signAssertion(id, by.privateKeyJwk, signed)), ...fields })
  return { ...running, post, ask, client, otherClient, rsa }
}

function known(signed: () => AssertionOptions, options = {}): Check {
  return async (t) => assertKnown(t, await (await started(t, options)).ask(signed()), 'client')
}

/** The same assertion is good without the change: what is refused is what the fact speaks of. */
function refused(
  signed: () => AssertionOptions,
  fields: Readonly<Record<string, string>> = {},
  options = {},
): Check {
  return async (t) => {
    const { ask } = await started(t, options)
    const typ = signed().header?.['typ'] === undefined ? {} : { header: { typ: TYPED } }
    assertKnown(t, await ask(typ), 'client')
    assertNotKnown(t, await ask(signed(), fields))
  }
}

const STRICT = { audience: 'strict' }
const LEGACY = { audience: 'legacy' }
const claims = (changed: Readonly<Record<string, unknown>>) => () => ({ claims: changed })

/** Each of these parts in place of those of a good assertion. */
function altered(...changes: readonly ((parts: readonly string[]) => readonly string[])[]): Check {
  return async (t) => {
    const { post, client } = await started(t)
    for (const change of changes) {
      const form = await signAssertion('client', client.privateKeyJwk)
      const assertion = change(form.client_assertion.split('.')).join('.')
      assertNotKnown(t, await post({ ...form, client_assertion: assertion }))
    }
  }
}

export const assertionChecks: Checks = {
  'ca-094': known(() => ({})),
  'ca-096': refused(() => ({}), { client_assertion_type: 'urn:other' }),
  'ca-098': altered(() => ['malformed']),
  'ca-100': altered(() => ['', encoded('{"sub":"x"}'), '']),
  'ca-102': altered(
    ([, body = '', sign = '']) => [encoded('[]'), body, sign],
    ([, body = '', sign = '']) => [encoded('"ES256"'), body, sign],
    ([, body = '', sign = '']) => [encoded('1'), body, sign],
    ([, body = '', sign = '']) => [encoded('null'), body, sign],
  ),
  'ca-104': refused(claims({ exp: undefined })),
  'ca-106': refused(() => ({ claims: { exp: now() - 61 } })),
  'ca-108': refused(() => ({ claims: { exp: now() + 315_360_000 } })),
  'ca-110': refused(claims({ aud: 'https://elsewhere.test' })),
  'ca-112': refused(claims({ aud: '' })),
  'ca-114': refused(claims({ iss: undefined })),
  'ca-116': refused(claims({ iss: 'other' })),
  'ca-118': refused(() => ({}), { client_id: 'other' }),
  'ca-120': refused(() => ({ claims: { iat: now() + 70 } })),
  async 'ca-122'(t) {
    const { ask, otherClient } = await started(t)
    assertKnown(t, await ask({}, {}, ['other', otherClient]), 'other')
    assertNotKnown(t, await ask({}, {}, ['client', otherClient]))
  },
  async 'ca-124'(t) {
    const { ask, rsa } = await started(t)
    const by = ['restricted', rsa] as const
    assertKnown(t, await ask({ header: { alg: 'PS256' } }, {}, by), 'restricted')
    assertNotKnown(t, await ask({ header: { alg: 'RS256' } }, {}, by))
  },
  'ca-126': altered(([head = '', body = '', sign = '']) => {
    const raw = Buffer.from(sign, 'base64url')
    const integer = (bytes: Buffer) => Buffer.concat([Buffer.from([2, 33, 0]), bytes])
    const pair = Buffer.concat([integer(raw.subarray(0, 32)), integer(raw.subarray(32))])
    const der = Buffer.concat([Buffer.from([0x30, pair.length]), pair])
    return [head, body, der.toString('base64url')]
  }),
  async 'ca-128'(t) {
    const { ask, otherClient } = await started(t)
    for (const header of [
      { jku: 'https://attacker.test/jwks' },
      { x5u: 'https://attacker.test/x5u' },
      { jwk: otherClient.publicKeyJwk },
      { x5c: [otherClient.certificate.toString('base64')] },
    ]) {
      assertNotKnown(t, await ask({ header }, {}, ['client', otherClient]))
    }
  },
  'ca-130': altered(([head = '', body = '', sign = '']) => [
    encoded(decoded(head).replace('{', '{"crit":["unknown"],"unknown":1,')),
    body,
    sign,
  ]),
  'ca-132': altered(
    ([head = '', body = '', sign = '']) => [
      encoded(decoded(head).replace('{', '{"alg":"ES256",')),
      body,
      sign,
    ],
    ([head = '', body = '', sign = '']) => [
      head,
      encoded(decoded(body).replace('{', '{"sub":"other",')),
      sign,
    ],
  ),
  async 'ca-134'(t) {
    const { post, client } = await started(t)
    const form = await signAssertion('client', client.privateKeyJwk)
    const answers = await Promise.all(Array.from({ length: 50 }, () => post(form)))
    t.is(answers.filter(({ status }) => status === 200).length, 1)
    for (const answer of answers.filter(({ status }) => status !== 200)) assertNotKnown(t, answer)
  },
  'ca-136': refused(() => ({}), { client_id: 'client', client_secret: 'secret' }),
  async 'ca-138'(t) {
    const { ask, post, client } = await started(t)
    assertNotKnown(t, await ask({}, {}, ['by secret', client]))
    const { client_assertion: good } = await signAssertion('client', client.privateKeyJwk)
    const [, body = '', sign = ''] = good.split('.')
    assertNotKnown(
      t,
      await post({
        client_assertion: [encoded('{"alg":"HS256"}'), body, sign].join('.'),
        client_assertion_type: ASSERTION_TYPE,
      }),
    )
  },
  'ca-140': refused(claims({ aud: `${ISSUER}/connect/introspect` })),
  async 'ca-142'(t) {
    const { ask } = await started(t)
    assertNotKnown(t, await ask({ header: { typ: 'at+jwt' } }))
  },
  'ca-144': known(() => ({ claims: { iat: now() + 5 } }), { clockSkew: '10s' }),
  'ca-146': known(claims({ aud: [ISSUER] })),
  'ca-148': known(() => ({ header: { kid: undefined } })),
  'ca-150': known(claims({ aud: ISSUER }), LEGACY),
  'ca-152': known(claims({ aud: `${ISSUER}${TOKEN}` }), LEGACY),
  'ca-154': known(() => ({ claims: { aud: ISSUER }, header: { typ: TYPED } }), STRICT),
  'ca-156': refused(
    () => ({ claims: { aud: `${ISSUER}/connect/revocation` }, header: { typ: TYPED } }),
    {},
    LEGACY,
  ),
  'ca-158': refused(
    () => ({ claims: { aud: [ISSUER, `${ISSUER}${TOKEN}`] }, header: { typ: TYPED } }),
    {},
    STRICT,
  ),
  'ca-160': refused(() => ({ claims: { aud: ISSUER }, header: { typ: 'JWT' } }), {}, STRICT),
}
