import { setImmediate } from 'node:timers/promises'
import test from 'ava'
import { checkRevocation } from '../../../src/certificates/path/check-revocation.ts'
import type { RevocationPolicy } from '../../../src/certificates/path/check-revocation.ts'
import { createCrlSet } from '../../../src/certificates/path/crl-set.ts'
import { parseCertificate } from '../../../src/certificates/path/parse-certificate.ts'
import { parseCrl, parseCrlInSlices } from '../../../src/certificates/path/parse-crl.ts'
import { parseOcsp } from '../../../src/certificates/path/parse-ocsp.ts'
import { validatePath } from '../../../src/certificates/path/validate-path.ts'
import { questionOf, wordOf } from './judge.ts'
import {
  algorithms,
  der,
  extension,
  general,
  mint,
  mintChain,
  newKey,
  now,
  usages,
} from './mint.ts'
import type { Chain, Extension, Minting } from './mint.ts'
import { crlExtension, mintCrl, mintOcsp } from './mint-revocation.ts'
import type { CrlMinting } from './mint-revocation.ts'

interface Sources {
  readonly crls?: readonly Buffer[]
  readonly answers?: readonly Buffer[]
  readonly extras?: readonly Buffer[]
  readonly policy?: RevocationPolicy
  readonly allowSha1?: boolean
}

function judge(chain: Chain, { crls = [], answers = [], extras = [], ...rest }: Sources): string {
  const verdict = validatePath(questionOf(chain))
  if (!verdict.ok) return verdict.reason
  const readCrls = crls.map((bytes) => parseCrl(bytes))
  const readAnswers = answers.map((bytes) => parseOcsp(bytes))
  const readExtras = extras.map((bytes) => parseCertificate(bytes, 8192))
  return wordOf(
    checkRevocation({
      policy: { mode: 'leaf' },
      at: now,
      ...rest,
      path: verdict.path,
      crls: createCrlSet(readCrls.flatMap((reading) => (reading.ok ? [reading.crl] : []))),
      answers: readAnswers.flatMap((reading) => (reading.ok ? [reading.answer] : [])),
      extras: readExtras.flatMap((reading) => (reading.ok ? [reading.certificate] : [])),
    }),
  )
}

const chain = mintChain()
const unknown = 'chain-revocation-unknown'
const earlier = new Date(now.getTime() - 1000)
const later = new Date(now.getTime() + 1000)
const crl = (changes: Partial<CrlMinting> = {}): Buffer =>
  mintCrl({ issuer: 'CN=ca', signer: chain.caKey, ...changes })
const rootCrl = (changes: Partial<CrlMinting> = {}): Buffer =>
  mintCrl({ issuer: 'CN=root', signer: chain.rootKey, ...changes })
const critical: Extension = { oid: '1.3.6.1.4.1.55555.1', critical: true, value: der.nothing() }

/** For some reasons only: such a CRL can revoke, and never says good. */
const partial: Extension = {
  oid: '2.5.29.28',
  critical: true,
  value: der.sequence(der.implicit(3, Buffer.of(1, 0b0110_0000))),
}

test('off asks nothing, leaf asks for the leaf, chain for every CA too', (t) => {
  const judged = (mode: RevocationPolicy['mode'], crls: Buffer[]) =>
    judge(chain, { policy: { mode }, crls })
  t.is(judged('off', [crl({ entries: [3] })]), 'ok')
  t.is(judged('leaf', []), unknown)
  t.is(judged('leaf', [crl()]), 'ok')
  t.is(judged('leaf', [crl({ entries: [3] })]), 'chain-revoked')
  t.is(judged('chain', [crl()]), unknown)
  t.is(judged('chain', [crl(), rootCrl()]), 'ok')
  t.is(judged('chain', [crl(), rootCrl({ entries: [2] })]), 'chain-revoked')
})

test('unknown can be accepted, revoked never', (t) => {
  const policy = { mode: 'chain', acceptUnknown: true } as const
  t.is(judge(chain, { policy }), 'ok')
  t.is(judge(chain, { policy, crls: [crl({ entries: [3] })] }), 'chain-revoked')
  t.is(judge(chain, { policy, crls: [rootCrl({ entries: [2] })] }), 'chain-revoked')
})

const useless: readonly (readonly [string, Partial<CrlMinting>])[] = [
  ['out of date', { until: earlier }],
  ['from the future', { from: later }],
  ['without nextUpdate', { until: null }],
  ['without a number', { extensions: [crlExtension.scope(1)] }],
  ['with an unknown critical extension', { extensions: [crlExtension.number(1), critical] }],
  ['with a critical number', { extensions: [{ ...crlExtension.number(1), critical: true }] }],
  ['of another issuer', { issuer: 'CN=other' }],
  ['by another key of that name', { signer: newKey() }],
  ['by a CA above that has another name', { signer: chain.rootKey }],
  ['signed over SHA-1', { algorithm: algorithms.ecdsaSha1 }],
  ['for CAs only', { extensions: [crlExtension.number(1), crlExtension.scope(2)] }],
  ['for attributes only', { extensions: [crlExtension.number(1), crlExtension.scope(5)] }],
  [
    'of another distribution point',
    { extensions: [crlExtension.number(1), crlExtension.scope(undefined, 'http://a.test/')] },
  ],
  [
    'that is a delta without its base',
    { extensions: [crlExtension.number(2), crlExtension.deltaOf(1)] },
  ],
]

for (const [what, changes] of useless) {
  test(`a CRL ${what} says nothing`, (t) => {
    t.is(judge(chain, { crls: [crl(changes)] }), unknown)
    t.is(judge(chain, { crls: [crl(changes), crl()] }), 'ok')
  })
}

test('an entry in any CRL that is in its time counts, however old it is', (t) => {
  const newer = crl({ extensions: [crlExtension.number(9)] })
  t.is(judge(chain, { crls: [newer, crl({ entries: [3] })] }), 'chain-revoked')
})

test('a CRL of the distribution point counts when it is named alike', (t) => {
  const point = (uri: string): Extension => ({
    oid: '2.5.29.31',
    value: der.sequence(der.sequence(der.explicit(0, der.explicit(0, general.uri(uri))))),
  })
  const pointed = mintChain({ leaf: { extensions: [point('http://a.test/1')] } })
  const list = (uri: string) =>
    crl({ extensions: [crlExtension.number(1), crlExtension.scope(undefined, uri)] })
  t.is(judge(pointed, { crls: [list('http://a.test/1')] }), 'ok')
  t.is(judge(pointed, { crls: [list('http://a.test/2')] }), unknown)
  t.is(judge(pointed, { crls: [crl()] }), 'ok')
})

test('who is on a CRL does not come back when it is out of date', (t) => {
  const policy = { mode: 'leaf', acceptUnknown: true } as const
  t.is(judge(chain, { policy, crls: [crl({ entries: [3], until: earlier })] }), 'chain-revoked')
  t.is(judge(chain, { policy, crls: [crl({ until: earlier })] }), 'ok')
  t.is(judge(chain, { policy, crls: [crl({ entries: [3], signer: newKey() })] }), 'ok')
})

test('a delta adds, and takes back nothing but a hold', (t) => {
  const delta = (serial: number, reason: number, base = 1) =>
    crl({
      entries: [{ serial, reason }],
      extensions: [crlExtension.number(base + 1), crlExtension.deltaOf(base)],
    })
  const held = crl({ entries: [{ serial: 3, reason: 6 }] })
  const ended = crl({ entries: [{ serial: 3, reason: 1 }] })
  t.is(judge(chain, { crls: [crl(), delta(3, 1)] }), 'chain-revoked')
  t.is(judge(chain, { crls: [crl(), delta(4, 1)] }), 'ok')
  t.is(judge(chain, { crls: [held] }), 'chain-revoked')
  t.is(judge(chain, { crls: [held, delta(3, 8)] }), 'ok')
  t.is(judge(chain, { crls: [held, delta(3, 8, 2)] }), 'chain-revoked')
  t.is(judge(chain, { crls: [ended, delta(3, 8)] }), 'chain-revoked')
})

test('only a CA of the path signs, or who it made to sign', (t) => {
  const key = newKey()
  const list = mintCrl({ issuer: 'CN=ca', signer: key })
  const signer = (changes: Partial<Minting>) =>
    mint({
      subject: 'CN=ca',
      key,
      signer: chain.caKey,
      extensions: [extension.keyUsage(6)],
      ...changes,
    })
  const judged = (extra: Buffer) => judge(chain, { crls: [list], extras: [extra] })
  t.is(judged(signer({})), 'ok')
  const revoked = crl({ entries: [66], extensions: [crlExtension.number(1), partial] })
  const serial = 66
  t.is(judge(chain, { crls: [list, revoked], extras: [signer({ serial })] }), unknown)
  t.is(judged(signer({ issuer: 'CN=root', signer: chain.rootKey })), 'ok')
  t.is(judged(signer({ signer: key })), unknown)
  t.is(judged(signer({ extensions: [extension.keyUsage(0)] })), unknown)
  t.is(judged(signer({ extensions: [] })), unknown)
  t.is(judged(signer({ until: earlier })), unknown)
  t.is(judged(signer({ subject: 'CN=other' })), unknown)
})

test('a lister named in the distribution points answers for others, and for itself', (t) => {
  const key = newKey()
  const listed: Extension = {
    oid: '2.5.29.31',
    value: der.sequence(der.sequence(der.explicit(2, general.directory('CN=lister')))),
  }
  const pointed = mintChain({ leaf: { extensions: [listed] } })
  const lister = (extensions: Extension[]) =>
    mint({
      subject: 'CN=lister',
      issuer: 'CN=ca',
      key,
      signer: chain.caKey,
      serial: 66,
      extensions,
    })
  const list = (flag: number, signer = key) =>
    mintCrl({
      issuer: 'CN=lister',
      signer,
      extensions: [crlExtension.number(1), crlExtension.scope(flag)],
    })
  const judged = (crls: Buffer[], extra: Buffer) =>
    judge(pointed, { crls: [...crls, rootCrl()], extras: [extra], policy: { mode: 'chain' } })
  const named = lister([extension.keyUsage(6), listed])
  // 4: the CRL is indirect.
  t.is(judged([list(4)], named), 'ok')
  t.is(judged([list(1)], named), unknown)
  t.is(judged([list(4, newKey())], named), unknown)
  t.is(judged([list(4)], lister([extension.keyUsage(0), listed])), unknown)
  t.is(judged([list(4)], lister([extension.keyUsage(6)])), unknown)
  t.is(judged([list(4)], chain.ca), unknown)
})

test('a CA without cRLSign signs no CRL', (t) => {
  const silent = mintChain({ ca: { extensions: [extension.ca(), extension.keyUsage(5)] } })
  t.is(judge(silent, { crls: [crl()] }), unknown)
})

const answer = (changes: Partial<Parameters<typeof mintOcsp>[1]> = {}): Buffer =>
  mintOcsp(chain, { signer: chain.caKey, ...changes })

test('an OCSP answer of the issuer counts', (t) => {
  t.is(judge(chain, { answers: [answer()] }), 'ok')
  t.is(judge(chain, { answers: [answer({ responder: 'CN=ca' })] }), 'ok')
  t.is(judge(chain, { answers: [answer({ status: 'revoked' })] }), 'chain-revoked')
  t.is(judge(chain, { answers: [answer({ status: 'unknown' })] }), unknown)
  t.is(judge(chain, { answers: [answer(), answer({ status: 'revoked' })] }), 'chain-revoked')
})

test('an OCSP answer that is late, early, foreign or about another says nothing', (t) => {
  for (const changes of [
    { until: earlier },
    { from: later },
    { until: null },
    { serial: 4 },
    { issuerKey: newKey() },
    { signer: newKey() },
    { signer: newKey(), responder: 'CN=ca' },
    { signer: chain.rootKey },
    { responder: 'CN=other' },
    { extensions: [critical] },
  ]) {
    t.is(
      judge(chain, { answers: [answer(changes)] }),
      unknown,
      JSON.stringify(Object.keys(changes)),
    )
  }
})

test('a responder must be made by the issuer, for that, and be valid', (t) => {
  const key = newKey()
  const made = (changes: Partial<Minting> = {}): Buffer =>
    mint({
      subject: 'CN=responder',
      issuer: 'CN=ca',
      key,
      signer: chain.caKey,
      serial: 77,
      extensions: [extension.usage(usages.ocsp)],
      ...changes,
    })
  const judged = (responder: Buffer) =>
    judge(chain, { answers: [answer({ signer: key, certificates: [responder] })] })
  t.is(judged(made()), 'ok')
  t.is(judged(made({ extensions: [extension.usage(usages.client)] })), unknown)
  t.is(judged(made({ extensions: [] })), unknown)
  const unnamed = answer({ signer: key, responder: 'CN=other', certificates: [made()] })
  t.is(judge(chain, { answers: [unnamed] }), unknown)
  t.is(judged(made({ until: earlier })), unknown)
  t.is(judged(made({ issuer: 'CN=root', signer: chain.rootKey })), unknown)
  t.is(judged(made({ signer: key })), unknown)
})

test('a revoked responder is no responder', (t) => {
  const key = newKey()
  const responder = mint({
    subject: 'CN=responder',
    issuer: 'CN=ca',
    key,
    signer: chain.caKey,
    serial: 77,
    extensions: [extension.usage(usages.ocsp)],
  })
  const answers = [answer({ signer: key, certificates: [responder] })]
  const lists = (entries: number[]) => [
    crl({ entries, extensions: [crlExtension.number(1), partial] }),
  ]
  t.is(judge(chain, { answers, crls: lists([]) }), 'ok')
  t.is(judge(chain, { answers, crls: lists([77]) }), unknown)
})

test('an entry of a CRL is not undone by an OCSP answer', (t) => {
  t.is(judge(chain, { answers: [answer()], crls: [crl({ entries: [3] })] }), 'chain-revoked')
})

test('a large CRL is read in slices, and finds its entries', async (t) => {
  const count = 100_000
  const list = crl({ entries: Iterator.from(serials(count)) })
  let turns = 0
  const reading = { on: true }
  const turning = (async () => {
    for (; reading.on; turns++) {
      // The point is to see the event loop turn.
      // oxlint-disable-next-line no-await-in-loop
      await setImmediate()
    }
  })()
  const result = await parseCrlInSlices(list)
  reading.on = false
  await turning
  t.true(turns > 10)
  t.true(result.ok && result.crl.entries.size === count)
  t.is(judge(chain, { crls: [list] }), 'chain-revoked')
})

function* serials(count: number): Generator<number> {
  for (let serial = 3; serial < count + 3; serial++) yield serial
}
