import test from 'ava'

import { secretClient, sha256 } from '../support/clients.ts'
import { basic } from '../support/send.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { assertRefused, tokenOf, tokenRequest } from '../support/token-request.ts'

const SERVER_ERROR = { status: 500, error: 'server_error' } as const
const AUTHORIZATION = basic('batch', 'right')

/** A second validator for shared secrets, of a type of its own. */
function validator(body: string): string {
  return `
    export default {
      contract: 1,
      setup: () => ({
        accepts: 'shared_secret',
        secretTypes: ['Custom'],
        decoys: [{ type: 'Custom', value: '', properties: {} }],
        ${body}
      }),
    }`
}

const CLIENT = {
  clientId: 'batch',
  clientSecrets: [{ type: 'Custom', value: '-', description: 'own' }],
}

for (const [what, body, reason, got] of [
  ['throws', `validate() { throw new Error('no data base') }`, 'plugin-error', /no data base/],
  ['rejects', `async validate() { throw new Error('gone') }`, 'plugin-error', /gone/],
  ['never answers', `validate: () => new Promise(() => {})`, 'plugin-timeout', /no answer in 100/],
  ['returns nothing', `validate() {}`, 'plugin-error', /returned no verdict/],
  ['returns true', `validate: () => true`, 'plugin-error', /returned no verdict/],
  ['says ok without meaning it', `validate: () => ({ ok: 1 })`, 'plugin-error', /no verdict/],
  ['refuses without a reason', `validate: () => ({ ok: false })`, 'plugin-error', /no verdict/],
] as const) {
  test(`a validator that ${what} is a refusal, and is named in the log`, async (t) => {
    const running = await startSidecar(t, {
      settings: { plugins: { folders: ['mounted'], timeLimit: '100ms' } },
      files: { 'mounted/validators/custom.mjs': validator(body) },
      clients: [CLIENT, secretClient('sound', 'right')],
    })
    const answer = await running.send(tokenRequest({ headers: { authorization: AUTHORIZATION } }))
    assertRefused(t, running, answer, { ...SERVER_ERROR, reason })
    const line = running.refusalOf(answer)
    t.regex(String(line?.['got']), new RegExp(`^validators/custom: .*${got.source}`))
    // Also for somebody unknown: the fault must not tell who is registered.
    const unknown = basic('nobody', 'right')
    const other = await running.send(tokenRequest({ headers: { authorization: unknown } }))
    assertRefused(t, running, other, { ...SERVER_ERROR, reason })
    // Another validator that accepts is enough.
    const sound = basic('sound', 'right')
    tokenOf(t, await running.send(tokenRequest({ headers: { authorization: sound } })))
  })
}

test('a parser that throws is a refusal, and is named in the log', async (t) => {
  const running = await startSidecar(t, {
    settings: { plugins: ['mounted'] },
    files: {
      'mounted/parsers/custom.mjs': `
        export default {
          contract: 1,
          setup: () => ({
            method: 'custom',
            produces: 'shared_secret',
            parse() { throw new Error('cannot read') },
          }),
        }`,
    },
    clients: [{ clientId: 'batch', clientSecrets: [{ value: sha256('right') }] }],
  })
  for (const request of [tokenRequest(), { path: '/orders' }]) {
    const answer = await running.send({ ...request, headers: { authorization: AUTHORIZATION } })
    assertRefused(t, running, answer, { ...SERVER_ERROR, reason: 'plugin-error' })
    t.is(running.refusalOf(answer)?.['got'], 'parsers/custom: cannot read')
    t.deepEqual(running.arrivedOf(answer), [])
  }
})

for (const [what, names, headers, reason] of [
  ['throws', ['X-Own'], `() => { throw new Error('no') }`, 'identity-headers-threw'],
  [
    'breaks out of its value',
    ['X-Own'],
    `() => ({ 'X-Own': 'a\\r\\nX-Admin: 1' })`,
    'identity-header-not-visible-ascii',
  ],
  [
    'sets what it does not own',
    ['X-Own'],
    `() => ({ 'X-Admin': '1' })`,
    'identity-header-not-owned',
  ],
] as const) {
  test(`a request is not forwarded when an identity headers plugin ${what}`, async (t) => {
    const running = await startSidecar(t, {
      settings: { plugins: ['mounted'], identity: { headers: ['generic', 'own'] } },
      files: {
        'mounted/identity-headers/own.mjs': `
          export default {
            contract: 1,
            setup: () => ({ names: ${JSON.stringify(names)}, headers: ${headers} }),
          }`,
      },
      clients: [secretClient('batch', 'right')],
    })
    const answer = await running.send({ path: '/', headers: { authorization: AUTHORIZATION } })
    t.is(answer.status, 500)
    t.like(running.refusalOf(answer), { reason, client: 'batch' })
    t.deepEqual(running.upstream.arrived, [])
  })
}
