import { readFileSync } from 'node:fs'

import type { Fault } from '../../errors.ts'
import type { NamedFile } from '../load-listener-certificate.ts'
import { createAnchorSet } from '../path/anchor-set.ts'
import type { AnchorSet } from '../path/anchor-set.ts'
import type { ParsedCertificate } from '../path/parse-certificate.ts'

const PEM_BLOCK = /-----BEGIN CERTIFICATE-----([^-]+)-----END CERTIFICATE-----/g

/**
 * Reads the authorities of one set. A file without one is an error, never an empty set.
 * @param setting the name of the setting that lists the files
 */
export function loadAnchors(
  files: readonly NamedFile[],
  setting: string,
  now: Date,
): { readonly anchors: AnchorSet; readonly faults: readonly Fault[] } {
  const faults: Fault[] = []
  const fault = (
    { file, at }: NamedFile,
    message: string,
    severity: Fault['severity'] = 'error',
  ) => {
    faults.push({ at, message: `${setting}: ${file} ${message}`, severity })
  }
  const read = files.flatMap((named) => {
    try {
      const blocks = [...readFileSync(named.file, 'latin1').matchAll(PEM_BLOCK)]
      if (blocks.length === 0) fault(named, 'holds no PEM certificate')
      return blocks.map(([, base64 = '']) => ({ named, der: Buffer.from(base64, 'base64') }))
    } catch (error) {
      fault(named, `cannot be read: ${(error as NodeJS.ErrnoException).code}`)
      return []
    }
  })
  const anchors = createAnchorSet(read.map(({ der }) => der))
  for (const { index, got } of anchors.faults) {
    const entry = read[index]
    if (entry) fault(entry.named, `holds a certificate that cannot be read: ${got ?? 'malformed'}`)
  }
  const damaged = new Set(anchors.faults.map(({ index }) => index))
  const sound = read.filter((_, index) => !damaged.has(index))
  for (const [index, certificate] of anchors.certificates.entries()) {
    const named = sound[index]?.named
    if (named) judge(certificate, now, (message, severity) => fault(named, message, severity))
  }
  return { anchors, faults }
}

function judge(
  { subject, extensions, notAfter, publicKey }: ParsedCertificate,
  now: Date,
  fault: (message: string, severity?: Fault['severity']) => void,
): void {
  const name = subject.text || 'without a name'
  if (extensions.basicConstraints?.ca !== true) {
    fault(`holds a certificate that is no authority: ${name}`)
  }
  if (publicKey.weakness !== undefined) {
    fault(`holds an authority whose key is not accepted (${publicKey.name}): ${name}`)
  }
  if (notAfter < now.getTime()) fault(`holds an authority that has expired: ${name}`, 'note')
}
