import test from 'ava'
import type { PathQuestion } from '../../../src/certificates/path/validate-path.ts'
import { judge } from './judge.ts'
import { extension, mint, mintChain, newKey } from './mint.ts'
import type { Extension } from './mint.ts'

const gold = '1.3.6.1.4.1.55555.7.1'
const silver = '1.3.6.1.4.1.55555.7.2'
const any = '2.5.29.32.0'
const explicit: Partial<PathQuestion> = { policy: { initialExplicitPolicy: true } }

function verdict(ca: Extension[], leaf: Extension[], policy: PathQuestion['policy'] = {}): string {
  const chain = mintChain({
    ca: { extensions: [extension.ca(), ...ca] },
    leaf: { extensions: leaf },
  })
  return judge(chain, { policy })
}

test('without demand for a policy none is needed', (t) => {
  t.is(verdict([], []), 'ok')
  t.is(verdict([extension.policies(gold)], [extension.policies(silver)]), 'ok')
})

test('a CA can demand that a policy holds', (t) => {
  const demand = extension.requireExplicitPolicy(0)
  t.is(verdict([demand, extension.policies(gold)], [extension.policies(gold)]), 'ok')
  t.is(verdict([demand, extension.policies(gold)], [extension.policies(silver)]), 'chain-policy')
  t.is(verdict([demand, extension.policies(gold)], []), 'chain-policy')
  t.is(verdict([demand, extension.policies(any)], [extension.policies(silver)]), 'ok')
})

test('a leaf can demand that a policy holds', (t) => {
  const demand = extension.requireExplicitPolicy(0)
  t.is(verdict([extension.policies(gold)], [demand, extension.policies(gold)]), 'ok')
  t.is(verdict([extension.policies(gold)], [demand]), 'chain-policy')
})

test('the asker can demand one of certain policies', (t) => {
  const policy = { initialExplicitPolicy: true, initialPolicySet: [silver] }
  t.is(verdict([extension.policies(any)], [extension.policies(silver)], policy), 'ok')
  t.is(verdict([extension.policies(gold)], [extension.policies(gold)], policy), 'chain-policy')
  t.is(verdict([extension.policies(any)], [extension.policies(any)], policy), 'ok')
  const strict = { ...policy, initialInhibitPolicy: true }
  t.is(verdict([extension.policies(any)], [extension.policies(silver)], strict), 'chain-policy')
})

test('a mapped policy counts under the name that the CA gave it', (t) => {
  const ca = [extension.policies(gold), extension.mappings([gold, silver])]
  const policy = { initialExplicitPolicy: true, initialPolicySet: [gold] }
  t.is(verdict(ca, [extension.policies(silver)], policy), 'ok')
  t.is(verdict(ca, [extension.policies(gold)], policy), 'chain-policy')
  const inhibited = { ...policy, initialPolicyMappingInhibit: true }
  t.is(verdict(ca, [extension.policies(silver)], inhibited), 'chain-policy')
  const anyMapped = [extension.policies(gold), extension.mappings([any, silver])]
  t.is(verdict(anyMapped, [extension.policies(silver)]), 'chain-policy')
})

test('mappings of everything to everything do not multiply', (t) => {
  const policies = Array.from({ length: 30 }, (_, index) => `1.3.6.1.4.1.55555.8.${index}`)
  // Each policy to two others, on ten levels: a tree of them would have 2^10 times as many leaves.
  const mappings = policies.flatMap((policy, index): [string, string][] => [
    [policy, policies[(index + 1) % 30]!],
    [policy, policies[(index + 2) % 30]!],
  ])
  const keys = Array.from({ length: 11 }, newKey)
  const extensions = [
    extension.ca(),
    extension.policies(...policies),
    extension.mappings(...mappings),
  ]
  const root = mint({ subject: 'CN=c0', key: keys[0]!, extensions: [extension.ca()] })
  const intermediates = keys.slice(1).map((key, index) =>
    mint({
      subject: `CN=c${index + 1}`,
      issuer: `CN=c${index}`,
      key,
      signer: keys[index]!,
      extensions,
    }),
  )
  const leaf = mint({
    subject: 'CN=leaf',
    issuer: 'CN=c10',
    signer: keys[10]!,
    extensions: [extension.policies(...policies)],
  })
  t.is(judge({ root, ca: root, leaf }, { ...explicit, intermediates }), 'ok')
})
