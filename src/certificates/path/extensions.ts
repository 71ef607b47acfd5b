import {
  childrenOf,
  contentOf,
  contextTag,
  DerFault,
  DerReader,
  expectTag,
  readWhole,
  tags,
} from './der.ts'
import type { DerElement } from './der.ts'
import { hexOf, readBoolean, readCount, readNamedBits, readOid } from './der-values.ts'
import { readDistributionPoints } from './distribution-point.ts'
import type { DistributionPoint } from './distribution-point.ts'
import { readGeneralName, readGeneralNames } from './general-name.ts'
import type { GeneralName } from './general-name.ts'
import type { PathLimits } from './limits.ts'
import { readNameConstraints } from './name-constraints.ts'
import type { NameConstraints } from './name-constraints.ts'
import type { RawExtension } from './raw-extension.ts'

/** What a certificate's extensions say (RFC 5280 §4.2); absent: the extension is not there. */
export interface Extensions {
  readonly basicConstraints?: { readonly ca: boolean; readonly pathLength?: number }
  /** Bit n is named bit n; see `keyUsages`. */
  readonly keyUsage?: number
  /** Object identifiers. */
  readonly extendedKeyUsage?: readonly string[]
  readonly subjectAltName?: readonly GeneralName[]
  readonly nameConstraints?: NameConstraints
  readonly policies?: readonly string[]
  readonly policyMappings?: readonly PolicyMapping[]
  readonly policyConstraints?: PolicyConstraints
  readonly inhibitAnyPolicy?: number
  readonly crlDistributionPoints?: readonly DistributionPoint[]
  /** Hexadecimal. */
  readonly subjectKeyId?: string
  /** Hexadecimal; also absent when only issuer and serial are given. */
  readonly authorityKeyId?: string
  readonly authorityInfoAccess?: readonly AccessDescription[]
  /** id-pkix-ocsp-nocheck (RFC 6960 §4.2.2.2.1). */
  readonly ocspNoCheck?: boolean
}

export interface PolicyMapping {
  readonly issuer: string
  readonly subject: string
}

/** Where the issuer, or its OCSP responder, is to be found (RFC 5280 §4.2.2.1). */
export interface AccessDescription {
  readonly method: string
  readonly location: GeneralName
}

export interface PolicyConstraints {
  readonly requireExplicitPolicy?: number
  readonly inhibitPolicyMapping?: number
}

/** Bits of keyUsage (RFC 5280 §4.2.1.3). */
export const keyUsages = {
  digitalSignature: 1 << 0,
  keyEncipherment: 1 << 2,
  keyAgreement: 1 << 4,
  keyCertSign: 1 << 5,
  crlSign: 1 << 6,
} as const

export const anyPolicy = '2.5.29.32.0'

type Fields = { -readonly [K in keyof Extensions]: Extensions[K] }

interface Reading {
  readonly name: string
  /** Must not be critical: it would be a limit that we do not know. */
  readonly neverCritical?: true
  read(element: DerElement, limits: PathLimits): Fields
}

const table: Readonly<Record<string, Reading>> = {
  '2.5.29.19': { name: 'basicConstraints', read: readBasicConstraints },
  '2.5.29.15': { name: 'keyUsage', read: readKeyUsage },
  '2.5.29.37': { name: 'extKeyUsage', read: readExtendedKeyUsage },
  '2.5.29.17': {
    name: 'subjectAltName',
    read: (element, limits) => ({ subjectAltName: readAltNames(element, limits.names) }),
  },
  '2.5.29.30': {
    name: 'nameConstraints',
    read: (element, limits) => ({ nameConstraints: readNameConstraints(element, limits) }),
  },
  '2.5.29.32': { name: 'certificatePolicies', read: readPolicies },
  '2.5.29.33': { name: 'policyMappings', read: readPolicyMappings },
  '2.5.29.36': { name: 'policyConstraints', read: readPolicyConstraints },
  '2.5.29.54': {
    name: 'inhibitAnyPolicy',
    read: (element) => ({ inhibitAnyPolicy: readCount(expectTag(element, tags.integer)) }),
  },
  '2.5.29.31': {
    name: 'cRLDistributionPoints',
    read: (element, limits) => ({ crlDistributionPoints: readDistributionPoints(element, limits) }),
  },
  '2.5.29.14': {
    name: 'subjectKeyIdentifier',
    neverCritical: true,
    read: (element) => ({ subjectKeyId: hexOf(contentOf(expectTag(element, tags.octetString))) }),
  },
  '2.5.29.35': { name: 'authorityKeyIdentifier', neverCritical: true, read: readAuthorityKeyId },
  '1.3.6.1.5.5.7.1.1': { name: 'authorityInfoAccess', neverCritical: true, read: readAccess },
  '1.3.6.1.5.5.7.48.1.5': {
    name: 'ocsp-nocheck',
    read: (element) => (expectTag(element, tags.null), { ocspNoCheck: true }),
  },
}

/** Decodes the known extensions. @returns also the critical ones that are unknown. @throws DerFault */
export function decodeExtensions(
  raw: readonly RawExtension[],
  limits: PathLimits,
): { readonly known: Extensions; readonly unknownCritical: readonly string[] } {
  const known: Fields = {}
  const unknownCritical: string[] = []
  for (const { oid, critical, value } of raw) {
    const reading = table[oid]
    if (reading === undefined) {
      if (critical) unknownCritical.push(oid)
      continue
    }
    if (critical && reading.neverCritical) unknownCritical.push(oid)
    try {
      Object.assign(known, reading.read(readWhole(value, value[0] ?? 0), limits))
    } catch (error) {
      throw error instanceof DerFault ? new DerFault(`${reading.name}: ${error.message}`) : error
    }
  }
  return { known, unknownCritical }
}

function readBasicConstraints(element: DerElement): Fields {
  const reader = new DerReader(expectTag(element, tags.sequence))
  const flag = reader.optional(tags.boolean)
  const length = reader.optional(tags.integer)
  reader.finish()
  const ca = flag !== undefined && readBoolean(flag)
  if (length === undefined) return { basicConstraints: { ca } }
  return { basicConstraints: { ca, pathLength: readCount(length) } }
}

function readKeyUsage(element: DerElement): Fields {
  const keyUsage = readNamedBits(expectTag(element, tags.bitString))
  if (keyUsage === 0) throw new DerFault('no bit is set')
  return { keyUsage }
}

function readExtendedKeyUsage(element: DerElement, limits: PathLimits): Fields {
  return {
    extendedKeyUsage: filled(element, limits.entries).map((usage) =>
      readOid(expectTag(usage, tags.oid)),
    ),
  }
}

function readAltNames(element: DerElement, limit: number): GeneralName[] {
  const names = readGeneralNames(expectTag(element, tags.sequence), limit)
  for (const name of names) {
    if (name.type === 'ip' && name.value.length !== 4 && name.value.length !== 16) {
      throw new DerFault('malformed address')
    }
  }
  return names
}

function readPolicies(element: DerElement, limits: PathLimits): Fields {
  const policies = filled(element, limits.entries).map((information) =>
    readOid(new DerReader(expectTag(information, tags.sequence)).take(tags.oid)),
  )
  if (new Set(policies).size !== policies.length) throw new DerFault('a policy comes twice')
  return { policies }
}

function readPolicyMappings(element: DerElement, limits: PathLimits): Fields {
  const policyMappings = filled(element, limits.entries).map((mapping) => {
    const reader = new DerReader(expectTag(mapping, tags.sequence))
    const [issuer, subject] = [readOid(reader.take(tags.oid)), readOid(reader.take(tags.oid))]
    reader.finish()
    return { issuer, subject }
  })
  return { policyMappings }
}

function readPolicyConstraints(element: DerElement): Fields {
  const reader = new DerReader(expectTag(element, tags.sequence))
  const explicit = reader.optional(contextTag(0))
  const mapping = reader.optional(contextTag(1))
  reader.finish()
  if (explicit === undefined && mapping === undefined) throw new DerFault('it says nothing')
  return {
    policyConstraints: {
      ...(explicit && { requireExplicitPolicy: readCount(explicit) }),
      ...(mapping && { inhibitPolicyMapping: readCount(mapping) }),
    },
  }
}

function readAuthorityKeyId(element: DerElement): Fields {
  const key = new DerReader(expectTag(element, tags.sequence)).optional(contextTag(0))
  return key === undefined ? {} : { authorityKeyId: hexOf(contentOf(key)) }
}

function readAccess(element: DerElement, limits: PathLimits): Fields {
  const authorityInfoAccess = filled(element, limits.entries).map((description) => {
    const reader = new DerReader(expectTag(description, tags.sequence))
    const method = readOid(reader.take(tags.oid))
    const location = readGeneralName(reader.next(), limits.names)
    reader.finish()
    return { method, location }
  })
  return { authorityInfoAccess }
}

function filled(element: DerElement, limit: number): DerElement[] {
  const children = childrenOf(expectTag(element, tags.sequence), limit)
  if (children.length === 0) throw new DerFault('it is empty')
  return children
}
