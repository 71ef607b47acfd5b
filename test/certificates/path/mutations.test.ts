import { X509Certificate } from 'node:crypto'
import test from 'ava'
import fc from 'fast-check'
import { createAnchorSet } from '../../../src/certificates/path/anchor-set.ts'
import { checkRevocation } from '../../../src/certificates/path/check-revocation.ts'
import { createCrlSet } from '../../../src/certificates/path/crl-set.ts'
import { parseCertificate } from '../../../src/certificates/path/parse-certificate.ts'
import { parseCrl } from '../../../src/certificates/path/parse-crl.ts'
import { parseOcsp } from '../../../src/certificates/path/parse-ocsp.ts'
import { validatePath } from '../../../src/certificates/path/validate-path.ts'
import { questionOf } from './judge.ts'
import { extension, general, mintChain, now, usages } from './mint.ts'
import { mintCrl, mintOcsp } from './mint-revocation.ts'

const chain = mintChain({
  ca: {
    extensions: [extension.ca(0), extension.keyUsage(5, 6), extension.policies('2.5.29.32.0')],
  },
  leaf: {
    extensions: [
      extension.usage(usages.client),
      extension.san(general.dns('a.test'), general.ip(10, 0, 0, 1), general.uri('spiffe://a/b')),
    ],
  },
})
const question = questionOf(chain)

type Mutation = (bytes: Uint8Array) => Uint8Array

/** Octets changed, taken out, put in, repeated, or the end cut off. Never the same bytes. */
const mutation: fc.Arbitrary<Mutation> = fc
  .record({
    kind: fc.constantFrom('flip', 'set', 'remove', 'insert', 'repeat', 'cut'),
    where: fc.nat(9999),
    octets: fc.uint8Array({ minLength: 1, maxLength: 6 }),
    bit: fc.integer({ min: 0, max: 7 }),
  })
  .map(({ kind, where, octets, bit }) => (bytes) => {
    const at = where % Math.max(bytes.length, 1)
    const [head, tail] = [bytes.subarray(0, at), bytes.subarray(at)]
    const made = {
      flip: () => Buffer.concat([head, Buffer.of((tail[0] ?? 0) ^ (1 << bit)), tail.subarray(1)]),
      set: () => Buffer.concat([head, octets, tail.subarray(octets.length)]),
      remove: () => Buffer.concat([head, tail.subarray(octets.length)]),
      insert: () => Buffer.concat([head, octets, tail]),
      repeat: () => Buffer.concat([bytes, tail]),
      cut: () => Buffer.from(head),
    }[kind]()
    return Buffer.compare(made, bytes) === 0 ? Buffer.concat([made, Buffer.of(0)]) : made
  })

const several = fc
  .array(mutation, { minLength: 1, maxLength: 3 })
  .map((mutations): Mutation => (bytes) => {
    const made = mutations.reduce<Uint8Array>((current, mutate) => mutate(current), bytes)
    return Buffer.compare(made, bytes) === 0 ? mutations[0]!(bytes) : made
  })

test('a leaf of which anything was changed is never accepted', (t) => {
  fc.assert(
    fc.property(several, (mutate) => {
      const verdict = validatePath({ ...question, leaf: mutate(chain.leaf) })
      t.false(verdict.ok)
    }),
    { numRuns: 3000 },
  )
})

test('a changed anchor never makes a path that OpenSSL does not verify', (t) => {
  let accepted = 0
  fc.assert(
    fc.property(several, several, (first, second) => {
      const intermediates = [first(chain.ca), chain.ca]
      const anchors = createAnchorSet([second(chain.root)])
      const verdict = validatePath({ ...question, intermediates, anchors })
      if (!verdict.ok) return
      accepted++
      for (const [index, certificate] of verdict.path.slice(0, -1).entries()) {
        const issuer = readByOpenSsl(verdict.path[index + 1]!.raw)
        if (issuer) t.true(new X509Certificate(certificate.raw).verify(issuer.publicKey))
      }
    }),
    { numRuns: 1500 },
  )
  // An anchor's own signature does not count, so some changes do no harm.
  t.true(accepted > 0)
})

/** It refuses some strings of other types in a name, which we compare by their bytes. */
function readByOpenSsl(bytes: Uint8Array): X509Certificate | undefined {
  try {
    return new X509Certificate(bytes)
  } catch {
    return undefined
  }
}

test('a changed intermediate beside the genuine one does no harm', (t) => {
  fc.assert(
    fc.property(fc.array(several, { maxLength: 5 }), (mutations) => {
      const intermediates = [...mutations.map((mutate) => mutate(chain.ca)), chain.ca]
      t.true(validatePath({ ...question, intermediates }).ok)
    }),
    { numRuns: 300 },
  )
})

const crl = mintCrl({ issuer: 'CN=ca', signer: chain.caKey, entries: [3, 5, 7] })
const clean = mintCrl({ issuer: 'CN=ca', signer: chain.caKey, entries: [5, 7] })
const revoked = mintOcsp(chain, { signer: chain.caKey, status: 'revoked' })

test('a changed CRL or OCSP answer never makes a certificate good', (t) => {
  const verdict = validatePath(question)
  t.true(verdict.ok)
  if (!verdict.ok) return
  fc.assert(
    fc.property(several, (mutate) => {
      const crls = [crl, clean].map((list) => parseCrl(mutate(list)))
      const answer = parseOcsp(mutate(revoked))
      const result = checkRevocation({
        path: verdict.path,
        policy: { mode: 'leaf' },
        at: now,
        crls: createCrlSet(crls.flatMap((reading) => (reading.ok ? [reading.crl] : []))),
        answers: answer.ok ? [answer.answer] : [],
      })
      t.false(result.ok)
    }),
    { numRuns: 1500 },
  )
})

test('no bytes make a parser throw', (t) => {
  const parsers = [(bytes: Uint8Array) => parseCertificate(bytes, 8192), parseCrl, parseOcsp]
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), (bytes) => {
      for (const parse of parsers) t.false(parse(bytes).ok)
    }),
  )
})
