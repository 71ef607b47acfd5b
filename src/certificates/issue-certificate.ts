import { createPublicKey, generateKeyPair, randomBytes, X509Certificate } from 'node:crypto'
import type { KeyObject, webcrypto } from 'node:crypto'
import { promisify } from 'node:util'

import { Time, TimeType } from 'pkijs'

import { certificateFields } from './certificate-fields.ts'
import { writeDer } from './der/write-der.ts'
import { issuedExtensions } from './issued-extensions.ts'
import type { KeyUsage } from './issued-extensions.ts'
import type { DistinguishedName } from './name/distinguished-name.ts'
import { encodeName } from './name/encode-name.ts'
import { guessName } from './name/parse-name.ts'
import { SIGNING_ALGORITHMS, signWith } from './signing-algorithms.ts'
import type { KeyAlgorithm } from './signing-algorithms.ts'

export interface IssueOptions {
  /** Text in any notation, or a name with the string types that it shall have. */
  readonly subject: string | DistinguishedName
  /** Absent: self-signed. */
  readonly issuer?: Pick<IssuedCertificate, 'certificate' | 'privateKey' | 'keyAlgorithm'>
  /** `ES256` by default. */
  readonly keyAlgorithm?: KeyAlgorithm
  /** Bits of an RSA key; 2048 by default. */
  readonly modulusLength?: number
  /** The key to certify; absent: a new one is made. */
  readonly privateKey?: KeyObject
  readonly notBefore: Date
  readonly notAfter: Date
  /** False by default. */
  readonly ca?: boolean
  readonly pathLength?: number
  readonly sans?: {
    readonly dns?: readonly string[]
    readonly ip?: readonly string[]
    readonly uri?: readonly string[]
    readonly email?: readonly string[]
  }
  /** By default what a CA or a signing leaf needs; empty: no such extension. */
  readonly keyUsage?: readonly KeyUsage[]
  /** `serverAuth`, `clientAuth` … or object identifiers; absent: no such extension. */
  readonly extendedKeyUsage?: readonly string[]
  /** Random by default. */
  readonly serialNumber?: bigint
  /** `value` is the DER inside the extension. */
  readonly extraExtensions?: readonly {
    readonly oid: string
    readonly critical?: boolean
    readonly value: Uint8Array
  }[]
}

export interface IssuedCertificate {
  /** DER. */
  readonly certificate: Buffer
  readonly pem: string
  readonly privateKey: KeyObject
  /** PKCS#8. */
  readonly privateKeyPem: string
  readonly privateKeyJwk: webcrypto.JsonWebKey
  readonly publicKeyJwk: webcrypto.JsonWebKey
  readonly keyAlgorithm: KeyAlgorithm
  readonly x509: X509Certificate
}

/** Makes a key and a certificate for it. @throws TypeError for a subject that cannot be read */
export async function issueCertificate(options: IssueOptions): Promise<IssuedCertificate> {
  const { keyAlgorithm = 'ES256', issuer } = options
  const privateKey = options.privateKey ?? (await makeKey(keyAlgorithm, options.modulusLength))
  const publicKey = createPublicKey(privateKey)
  const signer = issuer ?? { privateKey, keyAlgorithm }
  const { identifier } = SIGNING_ALGORITHMS[signer.keyAlgorithm]
  const subject = encodeName(nameOf(options.subject))
  const signed = writeDer(
    0x30,
    writeDer(0xa0, writeDer(0x02, Buffer.from([2]))),
    writeDer(0x02, serialOctets(options.serialNumber ?? randomSerial())),
    identifier,
    issuer ? certificateFields(issuer.certificate).subject : subject,
    writeDer(0x30, time(options.notBefore), time(options.notAfter)),
    subject,
    publicKey.export({ format: 'der', type: 'spki' }),
    writeDer(0xa3, writeDer(0x30, ...issuedExtensions(options, publicKey, issuer?.certificate))),
  )
  const signature = signWith(signer.keyAlgorithm, signer.privateKey, signed)
  const certificate = writeDer(
    0x30,
    signed,
    identifier,
    writeDer(0x03, Buffer.concat([Buffer.from([0]), signature])),
  )
  const x509 = new X509Certificate(certificate)
  return {
    certificate,
    pem: x509.toString(),
    privateKey,
    privateKeyPem: privateKey.export({ format: 'pem', type: 'pkcs8' }),
    privateKeyJwk: privateKey.export({ format: 'jwk' }),
    publicKeyJwk: publicKey.export({ format: 'jwk' }),
    keyAlgorithm,
    x509,
  }
}

const generate = promisify(generateKeyPair)

async function makeKey(algorithm: KeyAlgorithm, modulusLength = 2048): Promise<KeyObject> {
  const { curve } = SIGNING_ALGORITHMS[algorithm]
  if (curve !== undefined) return (await generate('ec', { namedCurve: curve })).privateKey
  if (algorithm === 'EdDSA') return (await generate('ed25519')).privateKey
  return (await generate('rsa', { modulusLength })).privateKey
}

function nameOf(subject: string | DistinguishedName): DistinguishedName {
  if (typeof subject !== 'string') return subject
  if (subject === '') return []
  const parsing = guessName(subject)
  if (parsing.ok) return parsing.name
  throw new TypeError(`subject, character ${parsing.at + 1}: ${parsing.fault}`)
}

// RFC 5280 §4.1.2.2: positive and of unpredictable bits.
function randomSerial(): bigint {
  return BigInt(`0x40${randomBytes(15).toString('hex')}`)
}

function serialOctets(serial: bigint): Buffer {
  const digits = serial.toString(16)
  const octets = Buffer.from(digits.length % 2 === 0 ? digits : `0${digits}`, 'hex')
  return (octets[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.from([0]), octets]) : octets
}

// RFC 5280 §4.1.2.5: two digits for the year until 2049.
function time(value: Date): Buffer {
  const year = value.getUTCFullYear()
  const whole = new Date(Math.floor(value.getTime() / 1000) * 1000)
  const type = year >= 1950 && year < 2050 ? TimeType.UTCTime : TimeType.GeneralizedTime
  return Buffer.from(new Time({ type, value: whole }).toSchema().toBER())
}
