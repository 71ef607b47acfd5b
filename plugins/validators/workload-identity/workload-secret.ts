import type { Secret, SecretInspection } from '#contract'

import type { IssuerOptions } from './options.ts'

/** The workload that a secret names: who says so, and the exact subject. */
export interface Workload {
  /** A URL, or a trust domain. */
  readonly issuer: string
  readonly subject: string
}

export type WorkloadReading =
  | { readonly ok: true; readonly workload: Workload; readonly lookupKey: string }
  | { readonly ok: false; readonly fault: string; readonly faultIn?: string }

const SERVICE_ACCOUNT = /^system:serviceaccount:[a-z\d]([-a-z\d]{0,61}[a-z\d])?:[-.a-z\d]{1,253}$/
const SPIFFE_ID = /^spiffe:\/\/([a-z\d._-]{1,255})((?:\/[A-Za-z\d._-]+)+)$/
const MAX_LENGTH = 2048

const READERS: Readonly<Record<string, (secret: Secret) => WorkloadReading>> = {
  KubernetesServiceAccount: readServiceAccount,
  SpiffeId: readSpiffeId,
}

export const WORKLOAD_SECRET_TYPES = Object.keys(READERS)

/** Reads a secret that names a workload. It is no secret at all: who has a token of the issuer shows it. */
export function readWorkload(secret: Secret): WorkloadReading {
  const read = READERS[secret.type]
  if (!read) return { ok: false, fault: `secrets of type ${secret.type} name no workload` }
  if (secret.value.length > MAX_LENGTH) return { ok: false, fault: `longer than ${MAX_LENGTH}` }
  return read(secret)
}

function readServiceAccount({ value, properties }: Secret): WorkloadReading {
  const { issuer } = properties
  if (!SERVICE_ACCOUNT.test(value)) {
    return { ok: false, fault: 'write system:serviceaccount:NAMESPACE:NAME; there are no patterns' }
  }
  if (typeof issuer !== 'string' || issuer === '') {
    return { ok: false, fault: 'write the issuer of the cluster in issuer', faultIn: 'issuer' }
  }
  const lookupKey = `subject:${JSON.stringify([issuer, value])}`
  return { ok: true, workload: { issuer, subject: value }, lookupKey }
}

function readSpiffeId({ value, properties }: Secret): WorkloadReading {
  const [, trustDomain, path] = SPIFFE_ID.exec(value) ?? []
  const dots = path?.split('/').some((segment) => segment === '.' || segment === '..')
  if (trustDomain === undefined || dots !== false) {
    return { ok: false, fault: 'write spiffe://TRUST-DOMAIN/PATH; there are no patterns' }
  }
  if ('issuer' in properties) {
    return { ok: false, fault: 'the trust domain is its issuer', faultIn: 'issuer' }
  }
  const workload = { issuer: trustDomain, subject: value }
  return { ok: true, workload, lookupKey: `spiffe-id:${value}` }
}

/** What loading such a secret finds. */
export function inspectWorkload(
  reading: WorkloadReading,
  issuers: readonly IssuerOptions[],
): SecretInspection {
  if (!reading.ok) {
    const { fault, faultIn } = reading
    return { fault, ...(faultIn !== undefined && { faultIn }) }
  }
  const { issuer } = reading.workload
  if (issuers.some((one) => (one.issuer ?? one.trustDomain) === issuer)) {
    return { lookupKeys: [reading.lookupKey] }
  }
  const fault = `${issuer.slice(0, 200)} is not in issuers of the options of validators/workload-identity`
  return { fault }
}
