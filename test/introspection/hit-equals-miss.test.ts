import { isDeepStrictEqual } from 'node:util'

import test from 'ava'
import { z } from 'zod'

import type { Client, Confirmation } from '#contract'

import { memoryStore } from '../../plugins/state-stores/memory.ts'
import type { AuthenticationParts } from '../../src/client-authentication/authentication.ts'
import { dpopSchema } from '../../src/config/dpop-schema.ts'
import { openDpop } from '../../src/dpop/dpop.ts'
import { authorize } from '../../src/gateway/authorize.ts'
import { identify } from '../../src/gateway/identify.ts'
import { inactive } from '../../src/introspection/introspection.ts'
import type { Introspection } from '../../src/introspection/introspection.ts'
import type { IssuerPolicy } from '../../src/introspection/issuers/issuer-policy.ts'
import { registryOf } from '../../src/registry/registry.ts'
import { aClient, aPeer, aRequest, ISSUER } from '../contract/build.ts'
import { aBench, aForeignToken, aToken, NOON } from './build.ts'
import type { Bench } from './build.ts'

const PEER = aPeer()
const OTHER = 'https://other.example'
const DPOP = openDpop(
  dpopSchema(z.string()).parse({}),
  ISSUER,
  memoryStore({ maxEntries: 1 }),
  1000,
)

const bindings: readonly (Confirmation | undefined)[] = [
  undefined,
  { 'x5t#S256': PEER.x5tS256 },
  { 'x5t#S256': 'of another certificate' },
  { jkt: 'a key' },
]
const lifetimes = [undefined, 1000, 60_000]
const granted = [[], ['read'], ['read', 'write']]
const demanded = [undefined, ['read'], ['read', 'write']]
const peers = [undefined, PEER]
const wanted = [undefined, ['api'], ['another api']]

const policy: IssuerPolicy = {
  audience: ['api'],
  clients: new Map([
    ['remote', 'orders'],
    ['gone', 'nobody'],
  ]),
  clientPrefix: 'other:',
  scopes: new Set(['read']),
}

const policies: readonly ReadonlyMap<string, IssuerPolicy>[] = [
  new Map(),
  new Map([[OTHER, policy]]),
  new Map([[OTHER, { ...policy, audience: ['another api'] }]]),
  new Map([[OTHER, { ...policy, audience: undefined, clientPrefix: undefined }]]),
]

/** Everything that is judged anew each time, in every combination. */
function* requests() {
  for (const scopes of demanded)
    for (const certificate of peers)
      for (const audience of wanted)
        for (const issuers of policies)
          for (const clients of [[aClient()], [aClient({ enabled: false })], []])
            for (const later of [0, 2000])
              yield { scopes, certificate, audience, issuers, clients, later }
}

function* answers(): Generator<Introspection> {
  for (const scopes of granted)
    for (const confirmation of bindings)
      for (const lifetime of lifetimes) {
        const { expiresAt: _, ...own } = aToken({ scopes, ...(confirmation && { confirmation }) })
        const ends = lifetime === undefined ? {} : { expiresAt: new Date(NOON + lifetime) }
        yield { ...own, ...ends }
        for (const clientId of ['remote', 'gone', 'stranger']) {
          const { id: __, ...rest } = own
          yield { ...aForeignToken(), ...rest, ...ends, issuer: OTHER, clientId }
        }
      }
  yield inactive({ reason: 'token-inactive' })
}

function partsOf(clients: readonly Client[]): AuthenticationParts {
  const registry = registryOf(clients, () => [])
  return { registry } as unknown as AuthenticationParts
}

type Request = ReturnType<typeof requests> extends Generator<infer One> ? One : never

/** What comes of a request, when the answer is looked up so. */
async function judge({ lookup, wall }: Bench, request: Request) {
  const { certificate: peer, clients, audience, issuers, scopes } = request
  const identification = await identify(
    aRequest({
      purpose: 'api',
      headers: { authorization: 'Bearer token' },
      ...(peer && { peer }),
    }),
    {
      authentication: partsOf(clients),
      introspect: lookup,
      audience,
      issuers,
      forwardsAuthorization: false,
      dpop: DPOP,
    },
    new Date(wall()),
  )
  if (!identification.ok) return identification
  return { ...identification, refusal: authorize(identification.principal, scopes) }
}

/** An issuer that says the truth: what has ended does not count. */
function benchOf(answer: Introspection): Bench {
  const bench = aBench()
  bench.answer = () =>
    answer.active && answer.expiresAt && answer.expiresAt.getTime() <= bench.wall()
      ? inactive({ reason: 'token-expired' })
      : answer
  return bench
}

test('a token is judged the same whether it was known or had to be asked for', async (t) => {
  const verdicts = new Map<string, number>()
  for (const answer of answers()) {
    for (const request of requests()) {
      const known = benchOf(answer)
      // By another request, which demanded nothing and brought nothing.
      await known.get()
      const asked = benchOf(answer)
      for (const one of [known, asked]) one.pass(request.later)
      const hit = await judge(known, request)
      const miss = await judge(asked, request)
      if (!isDeepStrictEqual(hit, miss)) t.deepEqual(hit, miss)
      const verdict = hit.refusal?.reason ?? 'let in'
      verdicts.set(verdict, (verdicts.get(verdict) ?? 0) + 1)
    }
  }
  // Every check has had its say.
  t.deepEqual([...verdicts.keys()].toSorted(), [
    'client-disabled',
    'client-not-mapped',
    'issuer-not-trusted',
    'let in',
    'scope-missing',
    'token-audience',
    'token-binding',
    'token-expired',
    'token-inactive',
  ])
})
