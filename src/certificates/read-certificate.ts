import { X509Certificate } from 'node:crypto'

import { kindOfBytes, kindOfLabel } from './file-kind.ts'

export type CertificateReading =
  | {
      readonly ok: true
      readonly x509: X509Certificate
      /** How many further certificates the file holds. */
      readonly others: number
      /** The file also holds a private key. */
      readonly privateKey: boolean
    }
  | CertificateFault

/** What the file is instead, or what is wrong with it, and what to do. */
export interface CertificateFault {
  readonly ok: false
  /** Follows the file's name: `is empty`. */
  readonly fault: string
  readonly advice: string
}

const MAX_BYTES = 1024 * 1024
const PEM_BEGIN = /-----BEGIN ([A-Z0-9 ]{1,40})-----/g
const CERTIFICATE_LABEL = /^((X509|TRUSTED) )?CERTIFICATE$/

/** Reads the first certificate of a file: PEM, DER, or DER in base64. */
export function readCertificate(bytes: Uint8Array): CertificateReading {
  if (bytes.length === 0) return failure('is empty', 'name a certificate in PEM or DER')
  if (bytes.length > MAX_BYTES) {
    return failure(`is larger than ${MAX_BYTES} bytes`, 'a certificate has a few thousand')
  }
  const file = Buffer.from(bytes)
  const text = decodeText(file)
  const blocks = [...text.matchAll(PEM_BEGIN)]
  if (blocks.length > 0) return readPem(text, blocks)
  if (/^[A-Za-z0-9+/=_\s-]+$/.test(text)) return readDer(Buffer.from(text, 'base64'))
  return readDer(file)
}

function readPem(text: string, blocks: readonly RegExpExecArray[]): CertificateReading {
  const labels = blocks.map(([, label = '']) => label)
  const certificates = labels.filter((label) => CERTIFICATE_LABEL.test(label))
  const first = blocks[labels.findIndex((label) => CERTIFICATE_LABEL.test(label))]
  if (first === undefined) {
    const kind = kindOfLabel(labels[0] ?? '')
    if (kind) return failure(`is ${kind.what}, not a certificate`, kind.advice)
    return failure(`is PEM, but of a ${labels[0]}`, 'name a file with a CERTIFICATE block')
  }
  const end = text.indexOf('-----END ', first.index)
  if (end < 0) return failure('ends inside its certificate', 'copy it again, to the END line')
  const block = `${text.slice(first.index, end).replaceAll(/^[ \t]+/gm, '')}-----END ${first[1]}-----\n`
  return parse(
    block,
    certificates.length - 1,
    labels.some((label) => label.endsWith('PRIVATE KEY')),
  )
}

function readDer(der: Buffer): CertificateReading {
  const kind = kindOfBytes(der)
  if (kind) return failure(`is ${kind.what}, not a certificate`, kind.advice)
  return parse(der, 0, false)
}

function parse(input: string | Buffer, others: number, privateKey: boolean): CertificateReading {
  try {
    return { ok: true, x509: new X509Certificate(input), others, privateKey }
  } catch {
    return typeof input === 'string'
      ? failure('holds a certificate that is damaged', 'copy it again from where it was issued')
      : failure('is no certificate', 'name a certificate in PEM or DER, or DER in base64')
  }
}

// PowerShell redirects text as UTF-16.
function decodeText(bytes: Buffer): string {
  const utf16 = bytes[0] === 0xff && bytes[1] === 0xfe
  return bytes.toString(utf16 ? 'utf16le' : 'latin1').replace(/^(\uFEFF|\u00EF\u00BB\u00BF)/, '')
}

function failure(fault: string, advice: string): CertificateFault {
  return { ok: false, fault, advice }
}
