import test from 'ava'

import type { AuthRequest, Parser } from '#contract'

import { behindProxy } from '../../src/client-authentication/behind-proxy.ts'
import type { ReadyPlugin } from '../../src/plugin-host/set-up.ts'
import { aPeer, aRequest } from '../contract/build.ts'

const PROXY = aPeer({ thumbprintSha256: 'A'.repeat(64) })
const CLIENT = aPeer({ thumbprintSha256: 'B'.repeat(64) })

function reader(name: string, said: Parser['behindProxy']): ReadyPlugin<'parsers'> {
  const part: Parser = {
    method: 'tls_client_auth',
    produces: 'certificate',
    parse: () => undefined,
    ...(said && { behindProxy: said }),
  }
  return { slot: 'parsers', name, id: `parsers/${name}`, file: '', sha256: '', part }
}

const silent = reader('silent', () => undefined)
const telling = reader('telling', () => ({ peer: CLIENT }))
const without = reader('without', () => ({}))
const malformed = reader('malformed', () => ({ malformed: 'cert-odd', got: 'x', hint: 'y' }))
const throwing = reader('throwing', () => {
  throw new Error('no such table')
})

function peerOf(readers: readonly ReadyPlugin<'parsers'>[], relayed = false): AuthRequest['peer'] {
  const reading = behindProxy(aRequest({ peer: PROXY }), readers, relayed)
  if (!reading.ok) throw new Error(reading.refusal.reason)
  return reading.request.peer
}

test('where nobody knows a proxy the certificate is the client’s', (t) => {
  t.is(peerOf([]), PROXY)
  t.is(peerOf([silent, silent]), PROXY)
})

test('what a proxy tells of takes the place of its own, whatever the order', (t) => {
  t.is(peerOf([silent, telling]), CLIENT)
  t.is(peerOf([telling, silent]), CLIENT)
})

test('where a proxy tells of none there is none', (t) => {
  t.is(peerOf([without]), undefined)
  t.is(peerOf([], true), undefined)
  t.is(peerOf([silent], true), undefined)
  t.is(peerOf([telling], true), CLIENT)
})

test('all else of the request stays, and the request itself is left alone', (t) => {
  const request = aRequest({ peer: PROXY, remoteAddress: '10.0.0.1', headers: { a: 'b' } })
  const reading = behindProxy(request, [telling], false)
  t.deepEqual(reading, { ok: true, request: { ...request, peer: CLIENT } })
  t.is(request.peer, PROXY)
})

for (const [readers, code, refusal] of [
  [[malformed], 'invalid_request', { reason: 'cert-odd', got: 'x', hint: 'y' }],
  [[telling, malformed], 'invalid_request', { reason: 'cert-odd', got: 'x', hint: 'y' }],
  [[throwing], 'server_error', { reason: 'plugin-error', got: 'parsers/throwing: no such table' }],
  [
    [telling, without],
    'invalid_request',
    { reason: 'several-proxies', got: 'parsers/telling and parsers/without' },
  ],
] as const)
  test(`${readers.map(({ name }) => name).join(' and ')} is refused: ${refusal.reason}`, (t) => {
    const reading = behindProxy(aRequest(), readers, false)
    t.false(reading.ok)
    t.like(reading, { code, refusal })
  })
