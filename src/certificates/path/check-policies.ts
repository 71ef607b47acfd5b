import type { Refusal } from '#contract'
import { anyPolicy } from './extensions.ts'
import type { ParsedCertificate } from './parse-certificate.ts'
import { PolicyGraph } from './policy-graph.ts'

/** The policy inputs of RFC 5280 §6.1.1 (c), (e), (f), (g). */
export interface PolicyInputs {
  /** Object identifiers; absent: any. */
  readonly initialPolicySet?: readonly string[]
  readonly initialExplicitPolicy?: boolean
  readonly initialPolicyMappingInhibit?: boolean
  readonly initialInhibitPolicy?: boolean
}

/**
 * Policy processing of RFC 5280 §6.1 with the graph of RFC 9618.
 * @param path leaf first, anchor last; the anchor's own extensions give no policies.
 */
export function checkPolicies(
  path: readonly ParsedCertificate[],
  inputs: PolicyInputs,
): Refusal | undefined {
  const certificates = path.slice(0, -1).toReversed()
  const demanded =
    inputs.initialExplicitPolicy === true ||
    certificates.some(({ extensions }) => extensions.policyConstraints || extensions.policyMappings)
  return demanded ? process(certificates, inputs) : undefined
}

function process(
  certificates: readonly ParsedCertificate[],
  inputs: PolicyInputs,
): Refusal | undefined {
  const graph = new PolicyGraph()
  const never = certificates.length + 1
  let explicit = inputs.initialExplicitPolicy ? 0 : never
  let mapping = inputs.initialPolicyMappingInhibit ? 0 : never
  let any = inputs.initialInhibitPolicy ? 0 : never

  for (const [index, { extensions, selfIssued }] of certificates.entries()) {
    const last = index === certificates.length - 1
    graph.addCertificate(extensions.policies, any > 0 || (!last && selfIssued))
    if (explicit === 0 && graph.empty) return noPolicy('no policy holds for the whole path')

    const { policyMappings, policyConstraints, inhibitAnyPolicy } = extensions
    const { requireExplicitPolicy = never, inhibitPolicyMapping = never } = policyConstraints ?? {}
    if (last) {
      if (explicit > 0) explicit--
      if (requireExplicitPolicy === 0) explicit = 0
      break
    }
    if (policyMappings?.some(({ issuer, subject }) => [issuer, subject].includes(anyPolicy))) {
      return noPolicy('anyPolicy is mapped')
    }
    if (policyMappings !== undefined) graph.map(policyMappings, mapping === 0)
    if (!selfIssued) {
      explicit = Math.max(0, explicit - 1)
      mapping = Math.max(0, mapping - 1)
      any = Math.max(0, any - 1)
    }
    explicit = Math.min(explicit, requireExplicitPolicy)
    mapping = Math.min(mapping, inhibitPolicyMapping)
    any = Math.min(any, inhibitAnyPolicy ?? never)
  }
  const wanted = inputs.initialPolicySet ?? [anyPolicy]
  if (explicit > 0 || graph.holds(wanted)) return undefined
  return noPolicy('none of the wanted policies holds', wanted)
}

function noPolicy(got: string, want?: readonly string[]): Refusal {
  return { reason: 'chain-policy', got, ...(want && { want: want.join(' ') }) }
}
