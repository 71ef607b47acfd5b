import { childrenOf, DerFault, readElement } from './path/der.ts'
import type { DerElement } from './path/der.ts'

/** What a file holds that somebody took for a certificate, and what to do about it. */
export interface FileKind {
  readonly what: string
  readonly advice: string
}

const PRIVATE_KEY: FileKind = {
  what: 'a private key',
  advice: 'name the certificate that belongs to it; the key itself is for nobody else',
}
const PUBLIC_KEY: FileKind = {
  what: 'a public key without a certificate',
  advice: 'name the certificate; a bare key can be registered as a JWK',
}
const REQUEST: FileKind = {
  what: 'a certificate request (CSR)',
  advice: 'have a CA sign it and name the certificate that comes back',
}
const REVOCATION_LIST: FileKind = {
  what: 'a revocation list (CRL)',
  advice: 'name a certificate instead',
}
const PKCS7: FileKind = {
  what: 'a PKCS#7 bundle',
  advice:
    'take the certificates out first: openssl pkcs7 -print_certs -in FILE, with -inform der if it is binary',
}
const PKCS12: FileKind = {
  what: 'a PKCS#12 key store (.p12, .pfx)',
  advice: 'take the certificate out first: openssl pkcs12 -in FILE -nokeys -clcerts',
}
const JAVA_KEY_STORE: FileKind = {
  what: 'a Java key store',
  advice: 'take the certificate out first: keytool -exportcert -rfc -keystore FILE -alias NAME',
}

const BY_LABEL: readonly (readonly [RegExp, FileKind])[] = [
  [/PRIVATE KEY$/, PRIVATE_KEY],
  [/PUBLIC KEY$/, PUBLIC_KEY],
  [/CERTIFICATE REQUEST$/, REQUEST],
  [/CRL$/, REVOCATION_LIST],
  [/^(PKCS7|CMS)$/, PKCS7],
]

/** The kind behind a PEM label, when it is a known one. */
export function kindOfLabel(label: string): FileKind | undefined {
  return BY_LABEL.find(([pattern]) => pattern.test(label))?.[1]
}

// The tags of the elements inside the outermost one, each with the tags inside it. 2 INTEGER, 3 BIT STRING,
// 4 OCTET STRING, 6 OBJECT IDENTIFIER, 30 SEQUENCE, 31 SET, 17 and 18 times, a0 and above by context.
const BY_SHAPE: readonly (readonly [RegExp, FileKind])[] = [
  [/^2 30\(6 a0\)( |$)/, PKCS12],
  [/^6 a0\(/, PKCS7],
  [/^2 30\(6[^)]*\) 4( |$|\()/, PRIVATE_KEY],
  [/^2 (2 ){7}2/, PRIVATE_KEY],
  [/^2 4 a0\(/, PRIVATE_KEY],
  [/^30\(6[^)]*\) 4$/, PRIVATE_KEY],
  [/^30\(6[^)]*\) 3$/, PUBLIC_KEY],
  [/^30\(2 30 30 a0\) 30\([^)]*\) 3$/, REQUEST],
  [/^30\((2 )?30 (30|31) 1[78][^)]*\) 30\([^)]*\) 3$/, REVOCATION_LIST],
]

/** The kind of a binary file that is no certificate, when it is a known one. */
export function kindOfBytes(bytes: Buffer): FileKind | undefined {
  if (bytes.subarray(0, 4).toString('hex') === 'feedfeed') return JAVA_KEY_STORE
  try {
    const shape = childrenOf(readElement(bytes, 0, bytes.length), 12)
      .map(shapeOf)
      .join(' ')
    return BY_SHAPE.find(([pattern]) => pattern.test(shape))?.[1]
  } catch (error) {
    if (error instanceof DerFault) return undefined
    throw error
  }
}

const CONSTRUCTED = 0x20

function shapeOf(element: DerElement): string {
  const tag = element.tag.toString(16)
  if (!(element.tag & CONSTRUCTED)) return tag
  return `${tag}(${childrenOf(element, 12)
    .map((child) => child.tag.toString(16))
    .join(' ')})`
}
