import type { Secret, Validator } from '#contract'

import type { Fault } from '../errors.ts'

/** What judging registered secrets takes. */
export interface SecretLoading {
  readonly now: Date
  validatorsOf(secretType: string): readonly Validator[]
  readonly secretTypes: readonly string[]
  /** Whether a note is worth repeating for one more secret; absent: always. */
  admitsNote?(message: string): boolean
}

export interface Finding {
  /** Inside the secret's definition. */
  readonly path: readonly string[]
  /** `disabled`: the secret cannot be used. */
  readonly severity: Fault['severity']
  readonly message: string
}

/**
 * Asks the validators that own a secret's type what they make of it.
 * @param taken the identifiers of the client's secrets before this one; its own are added
 */
export function inspectSecret(
  secret: Secret,
  loading: SecretLoading,
  taken = new Set<string>(),
): readonly Finding[] {
  const validators = loading.validatorsOf(secret.type)
  if (validators.length === 0) {
    const known = loading.secretTypes.join(', ')
    const message = `no validator checks ${secret.type}; there is ${known}`
    return [{ path: ['type'], severity: 'disabled', message }]
  }
  const unknown = Object.keys(secret.properties).find(
    (property) => !validators.some((one) => one.secretProperties?.includes(property)),
  )
  if (unknown !== undefined) {
    const message = `${unknown} is not a property of a ${secret.type} secret`
    return [{ path: [unknown], severity: 'disabled', message }]
  }
  const findings: Finding[] = []
  const note = (property: string, message: string) => {
    if (loading.admitsNote?.(message) === false) return
    findings.push({ path: [property], severity: 'note', message })
  }
  const disable = (property: string, message: string) => {
    // Several validators may own a type, and say the same of it.
    if (findings.some((finding) => finding.message === message)) return
    findings.push({ path: [property], severity: 'disabled', message })
  }
  const inspections = validators.map((one) => one.inspect?.(secret) ?? {})
  for (const { fault, faultIn = 'value', warning } of inspections) {
    if (fault !== undefined) disable(faultIn, fault)
    if (warning !== undefined) note('value', warning)
  }
  if (secret.expiration && secret.expiration <= loading.now) {
    note('expiration', `expired on ${secret.expiration.toISOString()}`)
    return findings
  }
  for (const identifier of new Set(inspections.flatMap((one) => one.identifiers ?? []))) {
    if (taken.has(identifier)) {
      disable('value', `another secret of the same owner has the same ${identifier}`)
    }
    taken.add(identifier)
  }
  return findings
}
