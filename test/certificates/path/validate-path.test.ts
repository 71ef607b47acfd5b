import { generateKeyPairSync } from 'node:crypto'
import test from 'ava'
import { createAnchorSet } from '../../../src/certificates/path/anchor-set.ts'
import { validatePath } from '../../../src/certificates/path/validate-path.ts'
import { judge, questionOf } from './judge.ts'
import {
  algorithms,
  der,
  extension,
  general,
  mint,
  mintChain,
  newKey,
  now,
  pss,
  usages,
} from './mint.ts'
import type { Extension, Key, Minting } from './mint.ts'

const usualCa = [extension.ca(), extension.keyUsage(5, 6)]
const usualLeaf = [extension.notCa, extension.keyUsage(0), extension.usage(usages.client)]
const later = new Date(now.getTime() + 1000)
const earlier = new Date(now.getTime() - 1000)
const unknown: Extension = { oid: '1.3.6.1.4.1.55555.1', critical: true, value: der.nothing() }

test('an ordinary chain is accepted, from the leaf to the anchor', (t) => {
  const chain = mintChain()
  const verdict = validatePath(questionOf(chain))
  t.true(verdict.ok)
  if (verdict.ok)
    t.deepEqual(
      verdict.path.map(({ raw }) => Buffer.from(raw)),
      [chain.leaf, chain.ca, chain.root],
    )
})

test('order, copies, the leaf, the anchor and junk among the rest change nothing', (t) => {
  const chain = mintChain()
  const { leaf, ca, root } = chain
  const junk = Buffer.from('no certificate')
  const stranger = mint({ subject: 'CN=stranger', extensions: usualCa })
  for (const intermediates of [
    [junk, stranger, root, leaf, ca, ca],
    [ca, leaf, leaf, root, stranger, junk],
  ]) {
    const verdict = validatePath(questionOf(chain, { intermediates }))
    t.true(verdict.ok)
    if (verdict.ok) t.is(verdict.path.length, 3)
  }
})

test('a genuine certificate among the rest vouches for nobody else', (t) => {
  const chain = mintChain()
  const own = mint({ subject: 'O=bank, CN=client', key: newKey(), extensions: usualLeaf })
  for (const intermediates of [
    [own, chain.ca, chain.leaf],
    [chain.leaf, chain.ca, own],
  ]) {
    t.is(judge({ ...chain, leaf: own }, { intermediates }), 'chain-signature')
  }
})

test('a certificate does not vouch for itself, though it is an anchor', (t) => {
  const { root, ca, leaf } = mintChain()
  t.is(judge({ root: leaf, ca, leaf }), 'chain-untrusted')
  t.is(judge({ root, ca, leaf }, { anchors: createAnchorSet([leaf, root]) }), 'ok')
})

test('an intermediate CA can be the anchor', (t) => {
  const { ca, leaf } = mintChain()
  t.is(judge({ root: ca, ca, leaf }, { intermediates: [] }), 'ok')
})

test('a missing intermediate, another anchor and no anchor are untrusted', (t) => {
  const chain = mintChain()
  t.is(judge(chain, { intermediates: [] }), 'chain-untrusted')
  t.is(
    judge({ ...chain, root: mint({ subject: 'CN=other', extensions: usualCa }) }),
    'chain-untrusted',
  )
  t.is(judge(chain, { anchors: createAnchorSet([]) }), 'chain-untrusted')
})

test('a namesake with another key is no issuer', (t) => {
  const chain = mintChain()
  const namesake = mint({ subject: 'CN=root', key: newKey(), extensions: usualCa })
  t.is(judge({ ...chain, root: namesake }), 'chain-signature')
})

type Changes = Parameters<typeof mintChain>[0]
const refusals: readonly (readonly [string, Changes, string])[] = [
  ['a leaf that has expired', { leaf: { until: earlier } }, 'chain-expired'],
  ['a leaf that is not yet valid', { leaf: { from: later } }, 'chain-not-yet-valid'],
  ['an intermediate CA that has expired', { ca: { until: earlier } }, 'chain-expired'],
  ['an anchor that has expired', { root: { until: earlier } }, 'chain-expired'],
  ['an anchor that is not yet valid', { root: { from: later } }, 'chain-not-yet-valid'],
  [
    'an issuer without basicConstraints',
    { ca: { extensions: [extension.keyUsage(5)] } },
    'chain-ca',
  ],
  ['an issuer that is no CA', { ca: { extensions: [extension.notCa] } }, 'chain-ca'],
  ['an anchor that is no CA', { root: { extensions: [extension.notCa] } }, 'chain-ca'],
  ['an issuer of version 1', { ca: { extensions: [], version: 0 } }, 'chain-ca'],
  [
    'an issuer without keyCertSign',
    { ca: { extensions: [extension.ca(), extension.keyUsage(6)] } },
    'chain-ca',
  ],
  [
    'an anchor whose path length is used up',
    { root: { extensions: [extension.ca(0)] } },
    'chain-path-length',
  ],
  [
    'an issuer for servers only',
    { ca: { extensions: [...usualCa, extension.usage(usages.server)] } },
    'chain-eku',
  ],
  [
    'a leaf for servers only',
    { leaf: { extensions: [extension.usage(usages.server)] } },
    'chain-eku',
  ],
  [
    'a leaf for any purpose, but not this one',
    { leaf: { extensions: [extension.usage(usages.any)] } },
    'chain-eku',
  ],
  [
    'a leaf without digitalSignature',
    { leaf: { extensions: [extension.keyUsage(2)] } },
    'chain-key-usage',
  ],
  [
    'a leaf that is no CA with keyCertSign',
    { leaf: { extensions: [extension.keyUsage(0, 5)] } },
    'chain-leaf',
  ],
  [
    'a leaf that is no CA with constraints',
    { leaf: { extensions: [extension.constraints([general.dns('a.test')])] } },
    'chain-leaf',
  ],
  ['a leaf without any name', { leaf: { subject: '', extensions: [] } }, 'chain-leaf'],
  [
    'a leaf named by an uncritical alternative only',
    { leaf: { subject: '', extensions: [extension.san(general.dns('a.test'))] } },
    'chain-leaf',
  ],
  [
    'an unknown critical extension of the leaf',
    { leaf: { extensions: [unknown] } },
    'chain-critical-extension',
  ],
  [
    'an unknown critical extension of a CA',
    { ca: { extensions: [...usualCa, unknown] } },
    'chain-critical-extension',
  ],
  [
    'an unknown critical extension of the anchor',
    { root: { extensions: [...usualCa, unknown] } },
    'chain-critical-extension',
  ],
  [
    'a key identifier that is critical',
    {
      leaf: { extensions: [{ oid: '2.5.29.14', critical: true, value: der.octets(Buffer.of(1)) }] },
    },
    'chain-critical-extension',
  ],
  [
    'an extension that comes twice',
    { leaf: { extensions: [extension.keyUsage(0), extension.keyUsage(0)] } },
    'chain-malformed',
  ],
  [
    'a known extension that cannot be read',
    { leaf: { extensions: [{ oid: '2.5.29.17', value: Buffer.from('a.test') }] } },
    'chain-malformed',
  ],
  [
    'a NUL in a name',
    { leaf: { extensions: [extension.san(general.dns('a.test\0.b.test'))] } },
    'chain-malformed',
  ],
  [
    'an address of 8 octets',
    { leaf: { extensions: [extension.san(general.ip(10, 0, 0, 0, 255, 0, 0, 0))] } },
    'chain-malformed',
  ],
  [
    'two signature algorithms that differ',
    { leaf: { innerAlgorithm: algorithms.ecdsa384 } },
    'chain-malformed',
  ],
  ['an empty issuer', { leaf: { issuer: '' } }, 'chain-malformed'],
  ['extensions in version 1', { leaf: { version: 0 } }, 'chain-malformed'],
  ['a serial number of 21 octets', { leaf: { serial: 1n << 160n } }, 'chain-malformed'],
  ['SHA-1', { leaf: { algorithm: algorithms.ecdsaSha1 } }, 'chain-algorithm'],
  [
    'an unreadable constraint of a CA',
    { ca: { extensions: [...usualCa, extension.constraints([general.ip(10, 0, 0, 0)])] } },
    'chain-malformed',
  ],
]

for (const [what, changes, reason] of refusals) {
  test(`${what} is refused: ${reason}`, (t) => {
    t.is(judge(mintChain(changes)), reason)
  })
}

const acceptances: readonly (readonly [string, Changes])[] = [
  ['a leaf whose last second it is', { leaf: { until: now } }],
  ['a leaf whose first second it is', { leaf: { from: now } }],
  ['a leaf without extensions', { leaf: { extensions: [], version: 0 } }],
  ['a leaf without usages', { leaf: { extensions: [extension.notCa] } }],
  ['a leaf that is a CA', { leaf: { extensions: [extension.ca(), extension.keyUsage(0, 5)] } }],
  ['an issuer for any purpose', { ca: { extensions: [...usualCa, extension.usage(usages.any)] } }],
  ['an issuer with path length 0', { ca: { extensions: [extension.ca(0)] } }],
  ['an anchor with path length 1', { root: { extensions: [extension.ca(1)] } }],
  ['a negative serial number', { leaf: { serial: -1n } }],
  ['an unknown extension', { leaf: { extensions: [{ ...unknown, critical: false }] } }],
  ['a name written otherwise', { leaf: { issuer: 'CN= CA ' } }],
]

for (const [what, changes] of acceptances) {
  test(`${what} is accepted`, (t) => {
    t.is(judge(mintChain(changes)), 'ok')
  })
}

test('usage must be named when it is asked for', (t) => {
  const chain = mintChain({ leaf: { extensions: [extension.notCa] } })
  t.is(judge(chain, { requireUsage: true }), 'chain-eku')
  t.is(judge(mintChain(), { requireUsage: true }), 'ok')
})

test('a fraction of a second after the last one is still in it', (t) => {
  const chain = mintChain({ leaf: { until: now } })
  t.is(judge(chain, { at: new Date(now.getTime() + 999) }), 'ok')
  t.is(judge(chain, { at: new Date(now.getTime() + 1000) }), 'chain-expired')
})

const weakKeys = {
  'RSA of 1024 bits': generateKeyPairSync('rsa', { modulusLength: 1024 }),
  'RSA with an even exponent': withEvenExponent(
    generateKeyPairSync('rsa', { modulusLength: 2048 }),
  ),
  'P-192': generateKeyPairSync('ec', { namedCurve: 'prime192v1' }),
  'explicit parameters': generateKeyPairSync('ec', {
    namedCurve: 'P-256',
    paramEncoding: 'explicit',
  }),
  Ed448: generateKeyPairSync('ed448'),
}

for (const [name, key] of Object.entries(weakKeys)) {
  test(`a leaf with a key of ${name} is refused`, (t) => {
    t.is(judge(mintChain({ leaf: { key: key as Key } })), 'chain-key')
  })
}

/** The same key but for its exponent, in as many octets, so that no length changes: 65,536. */
function withEvenExponent({ publicKey }: ReturnType<typeof newKey>): { publicKey: unknown } {
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  spki[spki.length - 1] = 0
  return { publicKey: { export: () => spki } }
}

const keyKinds = {
  'RSA-2048': {
    key: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    algorithm: algorithms.rsa,
  },
  'P-384': {
    key: generateKeyPairSync('ec', { namedCurve: 'P-384' }),
    algorithm: algorithms.ecdsa384,
  },
  'P-521': {
    key: generateKeyPairSync('ec', { namedCurve: 'P-521' }),
    algorithm: algorithms.ecdsa512,
  },
  'RSA-PSS': {
    key: generateKeyPairSync('rsa', { modulusLength: 2048 }),
    algorithm: pss(1, 1, 32),
  },
  'RSA-PSS with a key for nothing else': {
    key: generateKeyPairSync('rsa-pss', { modulusLength: 2048 }),
    algorithm: pss(3, 3, 64),
  },
  Ed25519: { key: generateKeyPairSync('ed25519'), algorithm: algorithms.ed25519 },
}

for (const [name, { key, algorithm }] of Object.entries(keyKinds)) {
  test(`a leaf signed with ${name} is accepted, and with another key of it refused`, (t) => {
    const chain = mintChain({ ca: { key }, leaf: { signer: key, algorithm } })
    t.is(judge(chain), 'ok')
    const bad = Buffer.from(chain.leaf)
    bad[bad.length - 1]! ^= 1
    t.is(judge({ ...chain, leaf: bad }), 'chain-signature')
  })
}

test('a signature that calls itself by the name of another kind of key is refused', (t) => {
  const { key } = keyKinds['RSA-2048']
  const chain = mintChain({ ca: { key }, leaf: { signer: key, algorithm: algorithms.ecdsa } })
  t.is(judge(chain), 'chain-signature')
})

test('a time that is none is outside every validity', (t) => {
  t.is(judge(mintChain(), { at: new Date(Number.NaN) }), 'chain-expired')
})

test('RSA-PSS with two digests is refused', (t) => {
  const { key } = keyKinds['RSA-PSS']
  const chain = mintChain({ ca: { key }, leaf: { signer: key, algorithm: pss(1, 2, 32) } })
  t.is(judge(chain), 'chain-algorithm')
})

test('a path is found beside dead ends of the same name', (t) => {
  const chain = mintChain()
  const dead: Minting[] = [
    { subject: 'CN=ca', issuer: 'CN=nobody', key: chain.caKey, extensions: usualCa },
    {
      subject: 'CN=ca',
      issuer: 'CN=root',
      key: newKey(),
      signer: chain.rootKey,
      extensions: usualCa,
    },
    {
      subject: 'CN=ca',
      issuer: 'CN=root',
      key: chain.caKey,
      signer: chain.rootKey,
      until: earlier,
      extensions: usualCa,
    },
    { subject: 'CN=ca', issuer: 'CN=root', key: chain.caKey, signer: chain.rootKey },
  ]
  const intermediates = [...dead.map(mint), chain.ca]
  t.is(judge(chain, { intermediates }), 'ok')
  t.is(judge(chain, { intermediates: intermediates.toReversed() }), 'ok')
})

test('two CAs that signed each other end the search', (t) => {
  const [a, b] = [newKey(), newKey()]
  const cross = (subject: string, issuer: string, key: typeof a, signer: typeof a) =>
    mint({ subject, issuer, key, signer, extensions: usualCa })
  const intermediates = [cross('CN=a', 'CN=b', a, b), cross('CN=b', 'CN=a', b, a)]
  const leaf = mint({ subject: 'CN=leaf', issuer: 'CN=a', signer: a })
  t.is(judge({ ...mintChain(), leaf }, { intermediates }), 'chain-untrusted')
})

test('a circle beside a false claim is walked once', (t) => {
  const chain = mintChain()
  const [a, b] = [newKey(), newKey()]
  const made = (subject: string, issuer: string, key: typeof a, signer: typeof a) =>
    mint({ subject, issuer, key, signer, extensions: usualCa })
  const intermediates = [
    made('CN=a', 'CN=b', a, b),
    made('CN=b', 'CN=a', b, a),
    made('CN=b', 'CN=root', b, newKey()),
  ]
  const leaf = mint({ subject: 'CN=leaf', issuer: 'CN=a', signer: a })
  t.is(judge({ ...chain, leaf }, { intermediates }), 'chain-signature')
})

test('a mesh that claims to reach the anchor ends the search by its budget', (t) => {
  const chain = mintChain()
  const keys = Array.from({ length: 5 }, newKey)
  const names = keys.map((_, index) => `CN=mesh${index}`)
  const intermediates = keys.flatMap((key, to) => [
    ...keys.flatMap((signer, from) =>
      from === to
        ? []
        : [mint({ subject: names[to]!, issuer: names[from]!, key, signer, extensions: usualCa })],
    ),
    mint({ subject: names[to]!, issuer: 'CN=root', key, signer: newKey(), extensions: usualCa }),
  ])
  const leaf = mint({ subject: 'CN=leaf', issuer: names[0]!, signer: keys[0]! })
  t.is(judge({ ...chain, leaf }, { intermediates }), 'chain-budget')
  t.is(judge(chain, { intermediates: [...intermediates, chain.ca] }), 'ok')
})

test('what is too much is not looked at', (t) => {
  const chain = mintChain()
  const refused = (changes: Parameters<typeof judge>[1]) => judge(chain, changes)
  t.is(refused({ leaf: Buffer.alloc(9000) }), 'chain-too-large')
  t.is(refused({ intermediates: Array.from({ length: 41 }, () => chain.ca) }), 'chain-too-large')
  t.is(
    refused({ intermediates: Array.from({ length: 9 }, () => Buffer.alloc(8000)) }),
    'chain-too-large',
  )
  t.is(refused({ limits: { leafBytes: 100 } }), 'chain-too-large')
  t.is(refused({ limits: { signatures: 1 } }), 'chain-budget')
  t.is(refused({ limits: { steps: 1 } }), 'chain-budget')
})

test('depth counts intermediate certificates that are not self-issued', (t) => {
  const chain = mintChain()
  t.is(judge(chain, { maxDepth: 0 }), 'chain-depth')
  t.is(judge(chain, { maxDepth: 1 }), 'ok')
  const key = newKey()
  const again = mint({ subject: 'CN=ca', key, signer: chain.caKey, extensions: usualCa })
  const leaf = mint({ subject: 'CN=leaf', issuer: 'CN=ca', signer: key })
  const intermediates = [again, chain.ca]
  t.is(judge({ ...chain, leaf }, { maxDepth: 1, intermediates }), 'ok')
  t.is(judge({ ...chain, leaf }, { maxDepth: 0, intermediates }), 'chain-depth')
  t.is(judge(chain, { limits: { depth: 0 } }), 'chain-depth')
})

test('an anchor that cannot be read is reported by its position, and the others count', (t) => {
  const chain = mintChain()
  const anchors = createAnchorSet([Buffer.from('junk'), chain.root])
  t.like(anchors.faults, [{ index: 0, reason: 'certificate-malformed' }])
  t.is(judge(chain, { anchors }), 'ok')
})
