import { createHash } from 'node:crypto'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

import { issueCertificate } from '../../src/certificates/issue-certificate.ts'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const SECRET = 'a-generated-secret-of-the-benchmark'

/** The header of a client with that secret. */
export const basic = (clientId: string) => `Basic ${btoa(`${clientId}:${SECRET}`)}`

/** A folder with certificates and clients, gone with `end`. */
export interface World {
  readonly folder: string
  /** The definitions of the clients. */
  readonly clients: readonly object[]
  /** Writes a file, unless without a text. @returns its path */
  file(name: string, text?: string): string
  read(name: string): string
  end(): void
}

const DAY = 86_400_000

export async function makeWorld(): Promise<World> {
  const folder = mkdtempSync(path.join(tmpdir(), 'vouchgate-bench-'))
  const file = (name: string, text?: string) => {
    const full = path.join(folder, name)
    if (text !== undefined) writeFileSync(full, text, { mode: 0o600 })
    return full
  }
  const times = {
    notBefore: new Date(Date.now() - DAY),
    notAfter: new Date(Date.now() + DAY),
  }
  const ca = await issueCertificate({ ...times, subject: 'CN=Bench CA', ca: true })
  const server = await issueCertificate({
    ...times,
    subject: 'CN=localhost',
    issuer: ca,
    sans: { dns: ['localhost'] },
    extendedKeyUsage: ['serverAuth'],
  })
  const issueClient = async (name: string, subject: string) => {
    const issued = await issueCertificate({
      ...times,
      subject,
      issuer: ca,
      extendedKeyUsage: ['clientAuth'],
    })
    file(`${name}.crt`, issued.pem)
    file(`${name}.key`, issued.privateKeyPem)
    return issued
  }
  await issueClient('named', 'CN=client, O=Bench')
  const thumb = await issueClient('thumb', 'CN=thumb, O=Bench')
  file('ca.crt', ca.pem)
  file('tls.crt', server.pem)
  file('tls.key', server.privateKeyPem)
  const value = thumb.x509.fingerprint256.replaceAll(':', '')
  const clients = [
    secretClient('batch'),
    { ...secretClient('opaque'), accessTokenType: 'Reference' },
    { clientId: 'named', clientSecrets: [{ type: 'X509Name', value: 'CN=client, O=Bench' }] },
    { clientId: 'thumb', clientSecrets: [{ type: 'X509Thumbprint', value }] },
  ]
  return {
    folder,
    clients,
    file,
    read: (name) => readFileSync(path.join(folder, name), 'utf8'),
    end: () => rmSync(folder, { recursive: true, force: true }),
  }
}

const HASH = createHash('sha256').update(SECRET).digest('base64')

/** A client with the secret of all, and a token as JWT. */
export function secretClient(clientId: string): object {
  return { clientId, clientSecrets: [{ value: HASH }], allowedScopes: ['read'] }
}
