import test from 'ava'
import type { ExecutionContext } from 'ava'

import { parseCertificate } from '../../../src/certificates/path/parse-certificate.ts'
import type { ParsedCertificate } from '../../../src/certificates/path/parse-certificate.ts'
import { parseCrl } from '../../../src/certificates/path/parse-crl.ts'
import type { ParsedCrl } from '../../../src/certificates/path/parse-crl.ts'
import type { SourceEvent } from '../../../src/certificates/revocation/online-sources.ts'
import { createRevocation } from '../../../src/certificates/revocation/revocation.ts'
import type { Revocation } from '../../../src/certificates/revocation/revocation.ts'
import type {
  FetchRules,
  RevocationRules,
} from '../../../src/certificates/revocation/revocation-rules.ts'
import { extension, mintChain, newKey, now, usages } from '../path/mint.ts'
import type { Chain, Extension } from '../path/mint.ts'
import { crlExtension, mintCrl, mintOcsp } from '../path/mint-revocation.ts'
import type { CrlMinting } from '../path/mint-revocation.ts'
import { distributionPoint, responderAt, revocationServer } from './revocation-server.ts'
import type { RevocationServer } from './revocation-server.ts'

const hour = 3_600_000
const LEAF = 3

const usual = [extension.notCa, extension.keyUsage(0), extension.usage(usages.client)]

function chainWith(...more: Extension[]): Chain {
  return mintChain({ leaf: { extensions: [...usual, ...more] } })
}

function pathOf({ leaf, ca, root }: Chain): ParsedCertificate[] {
  return [leaf, ca, root].map((der) => {
    const reading = parseCertificate(der, 10_000)
    if (!reading.ok) throw new Error(reading.got)
    return reading.certificate
  })
}

function crlOf({ caKey }: Chain, options: Partial<CrlMinting> = {}): Buffer {
  return mintCrl({ issuer: 'CN=ca', signer: caKey, ...options })
}

function parsed(der: Buffer): ParsedCrl {
  const reading = parseCrl(der)
  if (!reading.ok) throw new Error(reading.got)
  return reading.crl
}

const at = (milliseconds: number) => new Date(now.getTime() + milliseconds)

interface Sources {
  readonly revocation: Revocation
  readonly events: SourceEvent[]
  time: number
}

function sourcesOf(
  host: string,
  rules: Partial<RevocationRules> = {},
  fetch: Partial<FetchRules> = {},
  files: readonly ParsedCrl[] = [],
): Sources {
  const events: SourceEvent[] = []
  const state = { time: now.getTime(), events }
  const revocation = createRevocation(
    {
      mode: 'leaf',
      policy: 'hard',
      grace: 0,
      fetch: {
        hosts: [host],
        crl: true,
        ocsp: true,
        timeout: 2000,
        maxBytes: 100_000,
        maxAge: hour,
        ...fetch,
      },
      ...rules,
    },
    files,
    {
      clock: () => state.time,
      ticks: () => state.time,
      random: () => 0,
      report: (event) => void events.push(event),
    },
  )
  return Object.assign(state, { revocation })
}

/** `ok`, or the reason. */
async function ask({ revocation }: Sources, chain: Chain, patience = 2000): Promise<string> {
  const { verdict } = await revocation.check(pathOf(chain), patience)
  return verdict.ok ? 'ok' : verdict.reason
}

/** Until what was fetched in the background has arrived. */
async function until(t: ExecutionContext, holds: () => boolean | Promise<boolean>): Promise<void> {
  for (let turn = 0; turn < 1000; turn++) {
    if (await holds()) {
      t.pass()
      return
    }
    await new Promise((resolve) => setTimeout(resolve, 5))
  }
  t.fail('never')
}

async function withCrl(t: ExecutionContext, options?: Partial<CrlMinting>) {
  const server = await revocationServer(t)
  const chain = chainWith(distributionPoint(server.url('/ca.crl')))
  server.serve('/ca.crl', crlOf(chain, options))
  return { server, chain }
}

test('a CRL is had from the distribution point, once', async (t) => {
  const { server, chain } = await withCrl(t)
  const sources = sourcesOf(server.host)
  t.is(await ask(sources, chain), 'ok')
  t.is(await ask(sources, chain), 'ok')
  t.is(server.asked('/ca.crl'), 1)
})

test('who is on the fetched CRL is revoked', async (t) => {
  const { server, chain } = await withCrl(t, { entries: [LEAF] })
  t.is(await ask(sourcesOf(server.host), chain), 'chain-revoked')
})

test('a hundred who ask at once make one fetch', async (t) => {
  const { server, chain } = await withCrl(t)
  const sources = sourcesOf(server.host)
  const path = pathOf(chain)
  const all = await Promise.all(
    Array.from({ length: 100 }, async () => sources.revocation.check(path, 2000)),
  )
  t.true(all.every(({ verdict }) => verdict.ok))
  t.is(server.asked('/ca.crl'), 1)
})

test('what was fetched is fetched again ahead of its end, and a revocation counts then', async (t) => {
  const { server, chain } = await withCrl(t)
  const sources = sourcesOf(server.host, {}, { maxAge: 60_000 })
  const path = pathOf(chain)
  const first = await sources.revocation.check(path, 2000)
  t.true(first.verdict.ok)
  t.is(first.until, now.getTime() + 60_000)
  const { version } = sources.revocation
  server.serve('/ca.crl', crlOf(chain, { from: at(1000), entries: [LEAF] }))
  sources.time = first.until
  // The one at hand serves until the next one is there.
  t.is(await ask(sources, chain), 'ok')
  await until(t, () => sources.revocation.version > version)
  t.is(await ask(sources, chain), 'chain-revoked')
})

test('hosts that are not listed are not asked', async (t) => {
  const { server, chain } = await withCrl(t)
  for (const host of ['other.test', `localhost:${server.port}`, '127.0.0.1', '127.0.0.1:1']) {
    t.is(await ask(sourcesOf(host), chain), 'chain-revocation-unknown')
  }
  t.is(server.asked('/ca.crl'), 0)
})

test('addresses with a user, of other protocols, and malformed ones are not asked', async (t) => {
  const server = await revocationServer(t)
  const urls = [`http://a@${server.host}/x`, `ldap://${server.host}/x`, 'http://', 'x']
  const chain = chainWith(distributionPoint(...urls), responderAt(...urls))
  t.is(await ask(sourcesOf(server.host), chain), 'chain-revocation-unknown')
  t.is(server.asked('/x'), 0)
})

test('what may be fetched is set for CRLs and OCSP apart', async (t) => {
  const server = await revocationServer(t)
  const chain = chainWith(
    distributionPoint(server.url('/ca.crl')),
    responderAt(server.url('/ocsp')),
  )
  server.serve('/ca.crl', crlOf(chain))
  server.serve('/ocsp', mintOcsp(chain, { signer: chain.caKey }))
  t.is(await ask(sourcesOf(server.host, {}, { ocsp: false }), chain), 'ok')
  t.is(server.asked('/ocsp'), 0)
  t.is(await ask(sourcesOf(server.host, {}, { crl: false }), chain), 'ok')
  t.is(server.asked('/ca.crl'), 1)
})

for (const [what, reason, serve] of [
  [
    'is not there',
    'fetch-status',
    (server) => server.serve('/ca.crl', (_, r) => r.writeHead(404).end()),
  ],
  [
    'leads elsewhere',
    'fetch-status',
    (server) => {
      server.serve('/ca.crl', (_, r) => r.writeHead(302, { location: server.url('/good') }).end())
    },
  ],
  ['is huge', 'fetch-too-large', (server) => server.serve('/ca.crl', Buffer.alloc(200_000, 0x30))],
  ['is garbage', 'crl-malformed', (server) => server.serve('/ca.crl', Buffer.from('<html>'))],
  [
    'breaks off',
    'fetch-failed',
    (server) => {
      server.serve('/ca.crl', (_, r) => {
        r.writeHead(200, { 'content-length': 1000 }).write('0', () => r.destroy())
      })
    },
  ],
  [
    'drips for ever',
    'fetch-timeout',
    (server) => {
      server.serve('/ca.crl', (_, r) => {
        const drip = setInterval(() => r.write('0'), 20)
        r.on('close', () => clearInterval(drip))
      })
    },
  ],
  [
    'is out of date',
    'crl-out-of-date',
    (server, chain) => server.serve('/ca.crl', crlOf(chain, { until: at(-1000) })),
  ],
  [
    'is from the future',
    'crl-out-of-date',
    (server, chain) => server.serve('/ca.crl', crlOf(chain, { from: at(120_000) })),
  ],
  [
    'is signed by somebody else',
    'crl-signer',
    (server, chain) => server.serve('/ca.crl', crlOf(chain, { signer: newKey() })),
  ],
  [
    'has no nextUpdate',
    'crl-out-of-date',
    (server, chain) => server.serve('/ca.crl', crlOf(chain, { until: null })),
  ],
  [
    'says critically what nobody here knows',
    'crl-unusable',
    (server, chain) => {
      const strange = { oid: '1.2.3', critical: true, value: Buffer.of(5, 0) }
      const extensions = [crlExtension.number(1), strange]
      server.serve('/ca.crl', crlOf(chain, { extensions }))
    },
  ],
] as const satisfies readonly (readonly [
  string,
  string,
  (server: RevocationServer, chain: Chain) => void,
])[]) {
  test(`a CRL that ${what} says nothing: hard refuses, soft accepts, and the last good one stays`, async (t) => {
    const { server, chain } = await withCrl(t)
    server.serve('/good', crlOf(chain))
    const kept = sourcesOf(server.host, {}, { maxAge: 60_000 })
    t.is(await ask(kept, chain), 'ok')

    serve(server, chain)
    const timeout = reason === 'fetch-timeout' ? 100 : 2000
    const hard = sourcesOf(server.host, {}, { timeout })
    const { verdict } = await hard.revocation.check(pathOf(chain), 2000)
    t.like(verdict, { ok: false, reason: 'chain-revocation-unknown', retryable: true })
    t.like(hard.events, [{ failure: { reason } }])
    t.is(await ask(sourcesOf(server.host, { policy: 'soft' }, { timeout }), chain), 'ok')
    t.is(server.asked('/good'), 0)

    kept.time += 61_000
    const asked = server.asked('/ca.crl')
    t.is(await ask(kept, chain), 'ok')
    await until(t, () => server.asked('/ca.crl') > asked && kept.events.length > 0)
    t.is(await ask(kept, chain), 'ok')
    // Beyond its nextUpdate it counts no more.
    kept.time += hour
    t.is(await ask(kept, chain), 'chain-revocation-unknown')
  })
}

test('a server that is down is asked again after a while, and answers are reported', async (t) => {
  const { server, chain } = await withCrl(t)
  const sources = sourcesOf(server.host)
  server.serve('/ca.crl', (_, response) => response.destroy())
  t.is(await ask(sources, chain), 'chain-revocation-unknown')
  t.is(await ask(sources, chain), 'chain-revocation-unknown')
  t.is(server.asked('/ca.crl'), 1)
  server.serve('/ca.crl', crlOf(chain))
  sources.time += 30_000
  // Nobody waits for what failed before.
  t.is(await ask(sources, chain), 'chain-revocation-unknown')
  await until(t, async () => (await ask(sources, chain)) === 'ok')
  t.deepEqual(
    sources.events.map(({ failure }) => failure?.reason),
    ['fetch-failed', undefined],
  )
})

test('a slow source keeps nobody waiting beyond its patience, and serves when it is there', async (t) => {
  const { server, chain } = await withCrl(t)
  const crl = crlOf(chain)
  const { promise: opened, resolve: open } = Promise.withResolvers<void>()
  server.serve('/ca.crl', (_, response) => void opened.then(() => response.end(crl)))
  const sources = sourcesOf(server.host)
  const { verdict } = await sources.revocation.check(pathOf(chain), 50)
  t.like(verdict, { ok: false, reason: 'chain-revocation-unknown', retryable: true })
  open()
  await until(t, async () => (await ask(sources, chain, 50)) === 'ok')
  t.is(server.asked('/ca.crl'), 1)
})

test('an older CRL does not take the place of a newer one', async (t) => {
  const { server, chain } = await withCrl(t, { entries: [LEAF], from: at(-1000) })
  const sources = sourcesOf(server.host, {}, { maxAge: 60_000 })
  t.is(await ask(sources, chain), 'chain-revoked')
  server.serve('/ca.crl', crlOf(chain, { from: at(-hour) }))
  sources.time += 61_000
  t.is(await ask(sources, chain), 'chain-revoked')
  await until(t, () => sources.events.some(({ failure }) => failure?.reason === 'crl-older'))
  t.is(await ask(sources, chain), 'chain-revoked')
})

test('the second address of a distribution point is asked when the first does not answer', async (t) => {
  const server = await revocationServer(t)
  const chain = chainWith(distributionPoint(server.url('/gone'), server.url('/ca.crl')))
  server.serve('/ca.crl', crlOf(chain))
  t.is(await ask(sourcesOf(server.host), chain), 'ok')
})

test('with "chain" the authorities are looked at too', async (t) => {
  const server = await revocationServer(t)
  const usualCa = [extension.ca(), extension.keyUsage(5, 6)]
  const chain = mintChain({
    ca: { extensions: [...usualCa, distributionPoint(server.url('/root.crl'))] },
    leaf: { extensions: [...usual, distributionPoint(server.url('/ca.crl'))] },
  })
  server.serve('/ca.crl', crlOf(chain))
  const root = { issuer: 'CN=root', signer: chain.rootKey }
  server.serve('/root.crl', mintCrl({ ...root, entries: [2] }))
  t.is(await ask(sourcesOf(server.host), chain), 'ok')
  t.is(server.asked('/root.crl'), 0)
  t.is(await ask(sourcesOf(server.host, { mode: 'chain' }), chain), 'chain-revoked')
  server.serve('/root.crl', mintCrl(root))
  t.is(await ask(sourcesOf(server.host, { mode: 'chain' }), chain), 'ok')
})

async function withOcsp(t: ExecutionContext, more: readonly Extension[] = []) {
  const server = await revocationServer(t)
  const chain = chainWith(responderAt(server.url('/ocsp')), ...more)
  const answer = (options: Partial<Parameters<typeof mintOcsp>[1]> = {}) =>
    mintOcsp(chain, { signer: chain.caKey, ...options })
  server.serve('/ocsp', answer())
  return { server, chain, answer }
}

test('a responder is asked about the certificate, once', async (t) => {
  const { server, chain, answer } = await withOcsp(t)
  const bodies: Buffer[] = []
  server.serve('/ocsp', (request, response) => {
    t.is(request.method, 'POST')
    t.is(request.headers['content-type'], 'application/ocsp-request')
    request.on('data', (chunk: Buffer) => bodies.push(chunk))
    request.on('end', () => response.end(answer()))
  })
  const sources = sourcesOf(server.host)
  t.is(await ask(sources, chain), 'ok')
  t.is(await ask(sources, chain), 'ok')
  t.is(bodies.length, 1)
})

test('a revoked answer revokes, and one that turns revoked does so too', async (t) => {
  const { server, chain, answer } = await withOcsp(t)
  const sources = sourcesOf(server.host, {}, { maxAge: 60_000 })
  t.is(await ask(sources, chain), 'ok')
  const { version } = sources.revocation
  server.serve('/ocsp', answer({ status: 'revoked', from: at(0) }))
  sources.time += 60_000
  t.is(await ask(sources, chain), 'ok')
  await until(t, () => sources.revocation.version > version)
  t.is(await ask(sources, chain), 'chain-revoked')
  // An old answer, sent again, changes nothing.
  server.serve('/ocsp', answer())
  sources.time += 60_000
  await ask(sources, chain)
  await until(t, () => sources.events.some(({ failure }) => failure?.reason === 'ocsp-older'))
  t.is(await ask(sources, chain), 'chain-revoked')
})

for (const [what, reason, place] of [
  ['does not know the certificate', 'ocsp-unknown', { status: 'unknown' }],
  ['speaks of another certificate', 'ocsp-unknown', { serial: 4 }],
  ['is nobody', 'ocsp-unknown', { signer: newKey() }],
  ['is out of date', 'ocsp-unknown', { until: at(-1000) }],
  ['says nothing of its end', 'ocsp-unknown', { until: null }],
] as const) {
  test(`a responder that ${what} vouches for nobody`, async (t) => {
    const { server, chain, answer } = await withOcsp(t)
    server.serve('/ocsp', answer(place))
    const sources = sourcesOf(server.host)
    t.is(await ask(sources, chain), 'chain-revocation-unknown')
    t.like(sources.events, [{ failure: { reason } }])
  })
}

test('an error of the responder, and a huge answer, vouch for nobody', async (t) => {
  const { server, chain } = await withOcsp(t)
  for (const [place, reason] of [
    [Buffer.from('30030a0106', 'hex'), 'ocsp-failed'],
    [Buffer.alloc(50_000, 0x30), 'fetch-too-large'],
    [Buffer.alloc(0), 'ocsp-malformed'],
  ] as const) {
    server.serve('/ocsp', place)
    const sources = sourcesOf(server.host)
    t.is(await ask(sources, chain), 'chain-revocation-unknown')
    t.like(sources.events, [{ failure: { reason } }])
  }
})

test('the CRL is asked when the responder does not help', async (t) => {
  const server = await revocationServer(t)
  const chain = chainWith(
    responderAt(server.url('/ocsp')),
    distributionPoint(server.url('/ca.crl')),
  )
  server.serve('/ca.crl', crlOf(chain))
  t.is(await ask(sourcesOf(server.host), chain), 'ok')
  t.is(server.asked('/ocsp'), 1)
  t.is(server.asked('/ca.crl'), 1)
})

test('a CRL that stands in for the responder is kept fresh', async (t) => {
  const server = await revocationServer(t)
  const chain = chainWith(
    responderAt(server.url('/ocsp')),
    distributionPoint(server.url('/ca.crl')),
  )
  server.serve('/ca.crl', crlOf(chain))
  const sources = sourcesOf(server.host, {}, { maxAge: 60_000 })
  t.is(await ask(sources, chain), 'ok')
  server.serve('/ca.crl', crlOf(chain, { from: at(1000), entries: [LEAF] }))
  sources.time += 60_000
  await until(t, async () => (await ask(sources, chain)) === 'chain-revoked')
})

test('a good answer hides no entry of a CRL', async (t) => {
  const { server, chain } = await withOcsp(t)
  const listed = parsed(crlOf(chain, { entries: [LEAF] }))
  t.is(await ask(sourcesOf(server.host, {}, {}, [listed]), chain), 'chain-revoked')
})

test('CRLs count for a time beyond their end when the settings say so', async (t) => {
  const chain = chainWith()
  const crl = parsed(crlOf(chain, { until: at(60_000) }))
  const graceful = sourcesOf('x', { grace: hour, fetch: undefined }, {}, [crl])
  const strict = sourcesOf('x', { fetch: undefined }, {}, [crl])
  for (const sources of [graceful, strict]) t.is(await ask(sources, chain), 'ok')
  for (const sources of [graceful, strict]) sources.time += 61_000
  t.is(await ask(graceful, chain), 'ok')
  t.is(await ask(strict, chain), 'chain-revocation-unknown')
  graceful.time += hour
  t.is(await ask(graceful, chain), 'chain-revocation-unknown')
})

test('soft accepts the unknown, but not what an old CRL says is revoked', async (t) => {
  const chain = chainWith()
  const crl = (entries: number[]) => parsed(crlOf(chain, { entries, until: at(60_000) }))
  const good = sourcesOf('x', { policy: 'soft', fetch: undefined }, {}, [crl([])])
  const bad = sourcesOf('x', { policy: 'soft', fetch: undefined }, {}, [crl([LEAF])])
  t.is(await ask(good, chain), 'ok')
  t.is(await ask(bad, chain), 'chain-revoked')
  good.time += hour
  bad.time += hour
  t.is(await ask(good, chain), 'ok')
  t.is(await ask(bad, chain), 'chain-revoked')
})

test('soft does not forget that a responder said revoked', async (t) => {
  const { server, chain, answer } = await withOcsp(t)
  server.serve('/ocsp', answer({ status: 'revoked', until: at(60_000) }))
  const sources = sourcesOf(server.host, { policy: 'soft' })
  t.is(await ask(sources, chain), 'chain-revoked')
  await server.close()
  sources.time += 2 * hour
  t.is(await ask(sources, chain), 'chain-revoked')
  t.is(await ask(sources, chain), 'chain-revoked')
})

test('with "off" nothing is looked at', async (t) => {
  const chain = chainWith()
  const crl = parsed(crlOf(chain, { entries: [LEAF], extensions: [crlExtension.number(1)] }))
  const sources = sourcesOf('x', { mode: 'off' }, {}, [crl])
  t.false(sources.revocation.looks)
  t.is(await ask(sources, chain), 'ok')
})
