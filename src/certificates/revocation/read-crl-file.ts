import type { BigIntStats } from 'node:fs'
import { readFile, stat } from 'node:fs/promises'

import { revocationLimits } from '../path/limits.ts'
import { parseCrlInSlices } from '../path/parse-crl.ts'
import type { ParsedCrl } from '../path/parse-crl.ts'

/** The CRLs of one file, as it was. */
export interface CrlFile {
  readonly file: string
  /** Another one means that the file has changed. */
  readonly fingerprint: string
  readonly crls: readonly ParsedCrl[]
}

export type CrlFileReading =
  | { readonly ok: true; readonly crlFile: CrlFile }
  /** Follows the file's name: `holds no CRL`. */
  | { readonly ok: false; readonly fault: string }

// PEM takes a third more than what is in it.
const MAX_BYTES = 1.5 * revocationLimits.crlBytes
const PEM_BLOCK = /-----BEGIN X509 CRL-----([^-]+)-----END X509 CRL-----/g

/** Reads a file of CRLs, PEM or DER, with the event loop turning in between. */
export async function readCrlFile(file: string): Promise<CrlFileReading> {
  try {
    const status = await stat(file, { bigint: true })
    if (!status.isFile()) return { ok: false, fault: 'is not a file' }
    if (status.size > MAX_BYTES) return { ok: false, fault: `is larger than ${MAX_BYTES} bytes` }
    const bytes = await readFile(file)
    const crls: ParsedCrl[] = []
    for (const der of blocksOf(bytes)) {
      const reading = await parseCrlInSlices(der)
      if (!reading.ok)
        return { ok: false, fault: `holds a CRL that cannot be read: ${reading.got}` }
      const { unusable, nextUpdate } = reading.crl
      if (unusable !== undefined) return { ok: false, fault: `holds a CRL with ${unusable}` }
      if (nextUpdate === undefined) return { ok: false, fault: 'holds a CRL without nextUpdate' }
      crls.push(reading.crl)
    }
    if (crls.length === 0) return { ok: false, fault: 'holds no CRL, PEM or DER' }
    return { ok: true, crlFile: { file, fingerprint: fingerprint(status), crls } }
  } catch (error) {
    return { ok: false, fault: `cannot be read: ${(error as NodeJS.ErrnoException).code}` }
  }
}

/** What tells that a file has changed, without reading it; links are followed. */
export async function fingerprintOf(file: string): Promise<string> {
  return fingerprint(await stat(file, { bigint: true }))
}

function fingerprint({ dev, ino, size, mtimeNs }: BigIntStats): string {
  return `${dev}:${ino}:${size}:${mtimeNs}`
}

function blocksOf(bytes: Buffer): readonly Buffer[] {
  if (bytes[0] === 0x30) return [bytes]
  const blocks = bytes.toString('latin1').matchAll(PEM_BLOCK)
  return [...blocks].map(([, base64 = '']) => Buffer.from(base64, 'base64'))
}
