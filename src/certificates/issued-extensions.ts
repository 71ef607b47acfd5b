import { hash, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'

import { BitString, OctetString } from 'asn1js'
import {
  AltName,
  AuthorityKeyIdentifier,
  BasicConstraints,
  Certificate,
  Extension,
  ExtKeyUsage,
  GeneralName,
  PublicKeyInfo,
} from 'pkijs'

import { addressOctets } from './address-octets.ts'
import type { IssueOptions } from './issue-certificate.ts'

const KEY_USAGES = [
  'digitalSignature',
  'nonRepudiation',
  'keyEncipherment',
  'dataEncipherment',
  'keyAgreement',
  'keyCertSign',
  'cRLSign',
  'encipherOnly',
  'decipherOnly',
] as const

export type KeyUsage = (typeof KEY_USAGES)[number]

/** Words for `extendedKeyUsage`; any other purpose is given by its number. */
export const EXTENDED_KEY_USAGES: Readonly<Record<string, string>> = {
  serverAuth: '1.3.6.1.5.5.7.3.1',
  clientAuth: '1.3.6.1.5.5.7.3.2',
  codeSigning: '1.3.6.1.5.5.7.3.3',
  emailProtection: '1.3.6.1.5.5.7.3.4',
  timeStamping: '1.3.6.1.5.5.7.3.8',
  OCSPSigning: '1.3.6.1.5.5.7.3.9',
  any: '2.5.29.37.0',
}

/** The extensions of a new certificate (RFC 5280 §4.2), in DER. */
export function issuedExtensions(
  options: IssueOptions,
  publicKey: KeyObject,
  issuerCertificate: Uint8Array | undefined,
): readonly Buffer[] {
  const { ca = false, pathLength, extendedKeyUsage = [], sans = {} } = options
  const keyUsage = options.keyUsage ?? (ca ? ['keyCertSign', 'cRLSign'] : ['digitalSignature'])
  const altNames = generalNames(sans)
  const authority = issuerCertificate && subjectKeyIdentifier(issuerCertificate)
  const constraints = new BasicConstraints({
    cA: ca,
    ...(pathLength !== undefined && { pathLenConstraint: pathLength }),
  })
  const extensions = [
    extension('2.5.29.19', true, constraints.toSchema().toBER()),
    keyUsage.length > 0 && extension('2.5.29.15', true, keyUsageBits(keyUsage).toBER()),
    extendedKeyUsage.length > 0 && extension('2.5.29.37', false, purposes(extendedKeyUsage)),
    altNames.length > 0 &&
      extension('2.5.29.17', false, new AltName({ altNames }).toSchema().toBER()),
    extension('2.5.29.14', false, new OctetString({ valueHex: keyIdentifier(publicKey) }).toBER()),
    authority &&
      extension(
        '2.5.29.35',
        false,
        new AuthorityKeyIdentifier({ keyIdentifier: authority }).toSchema().toBER(),
      ),
    ...(options.extraExtensions ?? []).map(({ oid, critical = false, value }) =>
      extension(oid, critical, exactBuffer(value)),
    ),
  ]
  return extensions
    .filter((one) => one instanceof Extension)
    .map((one) => Buffer.from(one.toSchema().toBER()))
}

function extension(extnID: string, critical: boolean, extnValue: ArrayBuffer): Extension {
  return new Extension({ extnID, critical, extnValue })
}

function purposes(words: readonly string[]): ArrayBuffer {
  const keyPurposes = words.map((word) => EXTENDED_KEY_USAGES[word] ?? word)
  return new ExtKeyUsage({ keyPurposes }).toSchema().toBER()
}

function keyUsageBits(usages: readonly KeyUsage[]): BitString {
  const bits = usages.map((usage) => KEY_USAGES.indexOf(usage))
  const octets = new Uint8Array(Math.max(...bits) >= 8 ? 2 : 1)
  for (const bit of bits) {
    const index = bit >> 3
    octets[index] = (octets[index] ?? 0) | (0x80 >> (bit & 7))
  }
  // DER leaves trailing zero bits of a named bit list out.
  return new BitString({ valueHex: octets.buffer, unusedBits: 7 - (Math.max(...bits) & 7) })
}

function generalNames({
  dns = [],
  ip = [],
  uri = [],
  email = [],
}: NonNullable<IssueOptions['sans']>) {
  return [
    ...email.map((value) => new GeneralName({ type: 1, value })),
    ...dns.map((value) => new GeneralName({ type: 2, value })),
    ...uri.map((value) => new GeneralName({ type: 6, value })),
    ...ip.map((value) => {
      const octets = addressOctets(value)
      if (octets === undefined) throw new TypeError(`not an IP address: ${value}`)
      const valueHex = exactBuffer(octets)
      return new GeneralName({ type: 7, value: new OctetString({ valueHex }) })
    }),
  ]
}

// RFC 5280 §4.2.1.2 method 1: SHA-1 over the bits of the key.
function keyIdentifier(publicKey: KeyObject): ArrayBuffer {
  const spki = publicKey.export({ format: 'der', type: 'spki' })
  const { subjectPublicKey } = PublicKeyInfo.fromBER(exactBuffer(spki))
  return exactBuffer(hash('sha1', subjectPublicKey.valueBlock.valueHexView, 'buffer'))
}

function subjectKeyIdentifier(certificate: Uint8Array): OctetString | undefined {
  const { raw } = new X509Certificate(certificate)
  const { extensions = [] } = Certificate.fromBER(exactBuffer(raw))
  const found = extensions.find(({ extnID }) => extnID === '2.5.29.14')?.parsedValue
  return found instanceof OctetString ? found : undefined
}

/** A copy that shares its memory with nothing. */
function exactBuffer(bytes: Uint8Array): ArrayBuffer {
  return Uint8Array.from(bytes).buffer
}
