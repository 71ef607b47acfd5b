import test from 'ava'
import { validatePath } from '../../../src/certificates/path/validate-path.ts'
import { judge, questionOf } from './judge.ts'
import { der, extension, general, mint, mintChain, newKey } from './mint.ts'
import type { Minting } from './mint.ts'

const { dns, email, uri, ip, directory, other } = general
const upn = '1.3.6.1.4.1.311.20.2.3'
const utf8Mailbox = '1.3.6.1.5.5.7.8.9'
const mapped = [0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff]

type Row = readonly [names: readonly Buffer[], bases: readonly Buffer[], within: boolean]

/** Names, a subtree, and whether all of them lie in it. */
const permitted: readonly Row[] = [
  [[dns('a.test')], [dns('a.test')], true],
  [[dns('x.y.a.test')], [dns('a.test')], true],
  [[dns('A.TEST')], [dns('a.test')], true],
  [[dns('nota.test')], [dns('a.test')], false],
  [[dns('test')], [dns('a.test')], false],
  [[dns('*.a.test')], [dns('a.test')], true],
  [[dns('*.test')], [dns('a.test')], false],
  [[dns('*.a.test')], [dns('b.a.test')], false],
  [[dns('a.test')], [dns('')], true],
  [[dns('a.test'), dns('b.test')], [dns('a.test')], false],
  [[dns('a.test'), dns('b.test')], [dns('a.test'), dns('b.test')], true],
  [[dns('a.test.')], [dns('a.test')], false],
  [[dns('10.0.0.1')], [dns('')], false],
  [[dns('b.test')], [email('a.test')], true],
  [[email('me@a.test')], [email('a.test')], true],
  [[email('me@x.a.test')], [email('a.test')], false],
  [[email('me@x.a.test')], [email('.a.test')], true],
  [[email('me@a.test')], [email('.a.test')], false],
  [[email('me@A.test')], [email('me@a.test')], true],
  [[email('Me@a.test')], [email('me@a.test')], false],
  [[email('me@a.test@b.test')], [email('b.test')], false],
  [[email('"a@b.test"@a.test')], [email('a.test')], false],
  [[email('a.test')], [email('a.test')], false],
  [[other(utf8Mailbox, der.text('mé@a.test'))], [email('a.test')], false],
  [[other(upn, der.text('me@b.test'))], [email('a.test')], true],
  [[uri('https://a.test/x')], [uri('a.test')], true],
  [[uri('https://a.test:8443/x')], [uri('a.test')], true],
  [[uri('https://x.a.test/')], [uri('a.test')], false],
  [[uri('https://x.a.test/')], [uri('.a.test')], true],
  [[uri('https://a.test@b.test/')], [uri('a.test')], false],
  [[uri('https://b.test/@a.test')], [uri('a.test')], false],
  [[uri('https://10.0.0.1/')], [uri('a.test')], false],
  [[uri('urn:a.test')], [uri('a.test')], false],
  [[uri('spiffe://a.test/client')], [uri('a.test')], true],
  [[ip(10, 1, 2, 3)], [ip(10, 0, 0, 0, 255, 0, 0, 0)], true],
  [[ip(11, 1, 2, 3)], [ip(10, 0, 0, 0, 255, 0, 0, 0)], false],
  [[ip(...mapped, 10, 1, 2, 3)], [ip(10, 0, 0, 0, 255, 0, 0, 0)], false],
  [[directory('O=bank, CN=x')], [directory('O=bank')], true],
  [[directory('O=Bank , CN=x')], [directory('O=bank')], true],
  [[directory('CN=x, O=bank')], [directory('O=bank')], false],
  [[other(upn, der.text('me'))], [other(upn, der.text('me'))], false],
]

const excluded: readonly Row[] = [
  [[dns('b.test')], [dns('a.test')], false],
  [[dns('x.a.test')], [dns('a.test')], true],
  [[dns('*.a.test')], [dns('x.a.test')], true],
  [[dns('*.a.test')], [dns('x.y.a.test')], false],
  [[dns('b.test'), dns('a.test')], [dns('a.test')], true],
  [[dns('bad..name')], [dns('a.test')], true],
  [[dns('a.test')], [dns('')], true],
  [[email('me@a.test')], [email('a.test')], true],
  [[email('me@b.test')], [email('a.test')], false],
  [[uri('https://a.test/')], [uri('a.test')], true],
  [[ip(10, 1, 2, 3)], [ip(10, 0, 0, 0, 255, 0, 0, 0)], true],
  [[ip(...mapped, 10, 1, 2, 3)], [ip(10, 0, 0, 0, 255, 0, 0, 0)], true],
  [[directory('O=bank, CN=x')], [directory('O=bank')], true],
  [[directory('O=shop')], [directory('O=bank')], false],
]

// The subject must not be in the way of constraints on directory names.
const leafOf = (names: readonly Buffer[]): Partial<Minting> => ({
  subject: '',
  extensions: [{ ...extension.san(...names), critical: true }],
})

test('every name must lie in a permitted subtree of its type', (t) => {
  for (const [names, bases, within] of permitted) {
    const ca = { extensions: [extension.ca(), extension.constraints(bases)] }
    const verdict = judge(mintChain({ ca, leaf: leafOf(names) }))
    t.is(verdict, within ? 'ok' : 'chain-name-constraint', Buffer.concat(names).toString('latin1'))
  }
})

test('no name may lie in, or reach into, an excluded subtree', (t) => {
  for (const [names, bases, within] of excluded) {
    const ca = { extensions: [extension.ca(), extension.constraints([], bases)] }
    const verdict = judge(mintChain({ ca, leaf: leafOf(names) }))
    t.is(verdict, within ? 'chain-name-constraint' : 'ok', Buffer.concat(names).toString('latin1'))
  }
})

test('a refusal says which name, and what is wrong with it', (t) => {
  const got = (name: Buffer, base: Buffer) => {
    const ca = { extensions: [extension.ca(), extension.constraints([base])] }
    const verdict = validatePath(questionOf(mintChain({ ca, leaf: leafOf([name]) })))
    return verdict.ok ? undefined : verdict.got
  }
  t.is(got(dns('b.test'), dns('a.test')), 'dns b.test: not permitted')
  t.is(got(uri('urn:b'), uri('a.test')), 'uri urn:b: malformed')
  t.is(
    got(other(upn, der.text('me')), other(upn, der.text('me'))),
    'other name: kind is not compared',
  )
})

test('an exclusion wins over a permission', (t) => {
  const constraints = extension.constraints([dns('a.test')], [dns('x.a.test')])
  const ca = { extensions: [extension.ca(), constraints] }
  t.is(judge(mintChain({ ca, leaf: leafOf([dns('a.test')]) })), 'ok')
  t.is(judge(mintChain({ ca, leaf: leafOf([dns('x.a.test')]) })), 'chain-name-constraint')
})

test('the constraints of every CA hold, those of the anchor too', (t) => {
  const root = { extensions: [extension.ca(), extension.constraints([dns('a.test')])] }
  const wider = [dns('a.test'), dns('b.test')]
  const ca = { extensions: [extension.ca(), extension.constraints(wider)] }
  t.is(judge(mintChain({ root, ca, leaf: leafOf([dns('a.test')]) })), 'ok')
  t.is(judge(mintChain({ root, ca, leaf: leafOf([dns('b.test')]) })), 'chain-name-constraint')
})

test('the subject is a directory name, and its mail address is mail', (t) => {
  const ca = (base: Buffer) => ({ extensions: [extension.ca(), extension.constraints([base])] })
  const leaf = { subject: 'O=bank, E=me@a.test' }
  t.is(judge(mintChain({ ca: ca(directory('O=bank')), leaf })), 'ok')
  t.is(judge(mintChain({ ca: ca(directory('O=shop')), leaf })), 'chain-name-constraint')
  t.is(judge(mintChain({ ca: ca(email('a.test')), leaf })), 'ok')
  t.is(judge(mintChain({ ca: ca(email('b.test')), leaf })), 'chain-name-constraint')
})

test('a self-issued CA is free of constraints, a self-issued leaf is not', (t) => {
  const chain = mintChain({
    root: { extensions: [extension.ca(), extension.constraints([directory('O=bank')])] },
    ca: { subject: 'CN=root', key: newKey() },
    leaf: { subject: 'O=bank, CN=x', issuer: 'CN=root' },
  })
  const key = newKey()
  const usual = { extensions: [extension.ca()], key, signer: chain.rootKey }
  const ca = mint({ subject: 'CN=root', ...usual })
  const leaf = (subject: string) => mint({ subject, issuer: 'CN=root', signer: key })
  t.is(judge({ ...chain, ca, leaf: leaf('O=bank, CN=x') }), 'ok')
  t.is(judge({ ...chain, ca, leaf: leaf('CN=root') }), 'chain-name-constraint')
})

test('a constraint that makes no sense spoils its CA', (t) => {
  const ranges = [
    [10, 0, 0, 0],
    [10, 0, 0, 0, 255, 0, 255, 0],
  ]
  const bases = [
    ...ranges.map((octets) => ip(...octets)),
    dns('.a.test'),
    dns('a..test'),
    email('a@b@c.test'),
    uri('https://a.test/'),
  ]
  for (const base of bases) {
    const ca = { extensions: [extension.ca(), extension.constraints([base])] }
    t.is(judge(mintChain({ ca })), 'chain-malformed', base.toString('latin1'))
  }
})

test('many names and many subtrees are refused, not compared', (t) => {
  const many = (count: number) => Array.from({ length: count }, (_, index) => dns(`n${index}.test`))
  const root = { extensions: [extension.ca(), extension.constraints(many(5000))] }
  t.is(judge(mintChain({ root, leaf: leafOf(many(100)) })), 'chain-budget')
  const ca = { extensions: [extension.ca(), extension.constraints(many(300))] }
  t.is(judge(mintChain({ ca })), 'chain-malformed')
  t.is(judge(mintChain({ leaf: leafOf(many(300)) })), 'chain-malformed')
})
