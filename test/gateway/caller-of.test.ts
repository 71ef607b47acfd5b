import test from 'ava'

import { callerOf } from '../../src/gateway/caller-of.ts'
import type { IssuerPolicy } from '../../src/introspection/issuers/issuer-policy.ts'
import type { ActiveToken } from '../../src/introspection/introspection.ts'
import { registryOf } from '../../src/registry/registry.ts'
import { aClient } from '../contract/build.ts'
import { aForeignToken, aToken } from '../introspection/build.ts'

const ISSUER = 'https://other.example'

const POLICY: IssuerPolicy = {
  audience: ['api'],
  clients: new Map([['remote', 'orders']]),
  clientPrefix: undefined,
  scopes: undefined,
}

const CLIENTS = [
  aClient({ clientId: 'orders', clientName: 'Orders' }),
  aClient({ clientId: 'admin' }),
  aClient({ clientId: 'other:admin' }),
]

function judge(token: ActiveToken, policy: Partial<IssuerPolicy> = {}) {
  return callerOf(token, {
    registry: registryOf(CLIENTS, () => []),
    audience: ['api'],
    issuers: new Map([[ISSUER, { ...POLICY, ...policy }]]),
  })
}

test('a client of another issuer is the registered client that it is mapped to', (t) => {
  const token = aForeignToken({ clientId: 'remote', scopes: ['read', 'write'] })
  t.deepEqual(judge(token), {
    ok: true,
    clientId: 'orders',
    clientName: 'Orders',
    scopes: ['read', 'write'],
  })
})

test('a client of another issuer is not the client of ours that has the same id', (t) => {
  t.like(judge(aForeignToken({ clientId: 'admin' })), { ok: false, reason: 'client-not-mapped' })
  const clientPrefix = 'elsewhere:'
  const caller = judge(aForeignToken({ clientId: 'admin' }), { clientPrefix })
  t.deepEqual(caller, { ok: true, clientId: 'elsewhere:admin', scopes: ['read'] })
})

test('nobody can be named at another issuer so that he becomes a client of ours', (t) => {
  const caller = judge(aForeignToken({ clientId: 'admin' }), { clientPrefix: 'other:' })
  t.like(caller, { ok: false, reason: 'client-name-taken' })
})

test('a mapping to a client that is gone or disabled lets nobody in', (t) => {
  const clients = new Map([['remote', 'gone']])
  const caller = judge(aForeignToken({ clientId: 'remote' }), { clients, clientPrefix: 'x:' })
  t.like(caller, { ok: false, reason: 'client-disabled' })
})

test('of the scopes of another issuer only those count that are listed', (t) => {
  const token = aForeignToken({ clientId: 'remote', scopes: ['read', 'admin'] })
  t.like(judge(token, { scopes: new Set(['read', 'more']) }), { ok: true, scopes: ['read'] })
})

test('the audience of another issuer’s token is its own, not that of ours', (t) => {
  const token = aForeignToken({ clientId: 'remote', audience: ['theirs'] })
  t.like(judge(token), { ok: false, reason: 'token-audience', got: 'theirs', want: 'api' })
  t.like(judge(token, { audience: ['theirs'] }), { ok: true })
  t.like(judge(token, { audience: undefined }), { ok: true })
  t.like(judge(aForeignToken({ clientId: 'remote', audience: [] })), { ok: false })
})

test('an issuer that is no longer configured lets nobody in, whatever is remembered', (t) => {
  const token = aForeignToken({ clientId: 'orders', issuer: 'https://gone.example' })
  t.like(judge(token), { ok: false, reason: 'issuer-not-trusted', got: 'https://gone.example' })
})

test('a token of ours needs a client that is still there, and our audience', (t) => {
  t.like(judge(aToken()), { ok: true, clientId: 'orders' })
  t.like(judge(aToken({ clientId: 'gone' })), { ok: false, reason: 'client-disabled' })
  t.like(judge(aToken({ audience: ['other'] })), { ok: false, reason: 'token-audience' })
})
