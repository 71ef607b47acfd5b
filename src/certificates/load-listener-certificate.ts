import { createPrivateKey, X509Certificate } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { readFileSync } from 'node:fs'

import type { Fault } from '../errors.ts'

/** What the TLS listener shows: PEM, known to belong together. */
export interface ListenerCertificate {
  readonly certificate: string
  readonly key: string
  readonly notAfter: Date
}

/** Where a setting stands, and the file that it names. */
export interface NamedFile {
  readonly file: string
  readonly at: string
}

/** Reads certificate and key in one go and checks that they are a pair. */
export function loadListenerCertificate(
  certificateFile: NamedFile,
  keyFile: NamedFile,
  now: Date,
): { readonly loaded?: ListenerCertificate; readonly faults: readonly Fault[] } {
  const faults: Fault[] = []
  const certificate = read(certificateFile, 'listen.certificate', faults)
  const key = read(keyFile, 'listen.key', faults)
  if (certificate === undefined || key === undefined) return { faults }

  const leaf = parse(
    certificateFile,
    'listen.certificate',
    faults,
    () => new X509Certificate(certificate),
  )
  const privateKey = parse(keyFile, 'listen.key', faults, (): KeyObject => createPrivateKey(key))
  if (!leaf || !privateKey) return { faults }
  if (!leaf.checkPrivateKey(privateKey)) {
    const message = `listen.key: ${keyFile.file} is not the key of ${certificateFile.file}`
    return { faults: [{ at: keyFile.at, message, severity: 'error' }] }
  }
  const notAfter = leaf.validToDate
  if (notAfter <= now) {
    const message = `listen.certificate: expired on ${notAfter.toISOString()}; clients will refuse it`
    faults.push({ at: certificateFile.at, message, severity: 'note' })
  }
  return { loaded: { certificate, key, notAfter }, faults }
}

function read({ file, at }: NamedFile, name: string, faults: Fault[]): string | undefined {
  try {
    return readFileSync(file, 'utf8')
  } catch (error) {
    const message = `${name}: cannot read ${file}: ${(error as NodeJS.ErrnoException).code}`
    faults.push({ at, message, severity: 'error' })
    return undefined
  }
}

function parse<T>(
  { file, at }: NamedFile,
  name: string,
  faults: Fault[],
  make: () => T,
): T | undefined {
  try {
    return make()
  } catch {
    // The library's own text may quote what it read, and this may be a private key.
    const message = `${name}: ${file} is not PEM, or not what is expected there`
    faults.push({ at, message, severity: 'error' })
    return undefined
  }
}
