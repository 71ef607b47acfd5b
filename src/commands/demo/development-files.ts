import { createHash, randomBytes, X509Certificate } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

import { calculateJwkThumbprint } from 'jose'

import { issueCertificate } from '../../certificates/issue-certificate.ts'

const DAY = 86_400_000
const LIFETIME = 90 * DAY

/**
 * Makes certificates, keys and a secret for development, unless sound ones are there already.
 * @returns whether anything was made
 */
export async function makeDevelopmentFiles(folder: string, now: Date): Promise<boolean> {
  if (isUsable(path.join(folder, 'tls.crt'), now)) return false
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const write = (name: string, text: string) => {
    writeFileSync(path.join(folder, name), text, { mode: 0o600 })
  }
  // A clock that is a little behind must not find the certificates not yet valid.
  const period = {
    notBefore: new Date(now.getTime() - DAY),
    notAfter: new Date(now.getTime() + LIFETIME),
  }
  const ca = await issueCertificate({
    ...period,
    subject: 'O=Vouchgate development, CN=Development CA',
    ca: true,
  })
  const [server, client, selfSigned, assertion] = await Promise.all([
    issueCertificate({
      ...period,
      subject: 'CN=localhost',
      issuer: ca,
      sans: { dns: ['localhost'], ip: ['127.0.0.1', '::1'] },
      extendedKeyUsage: ['serverAuth'],
    }),
    issueCertificate({
      ...period,
      subject: 'CN=billing, O=Example',
      issuer: ca,
      extendedKeyUsage: ['clientAuth'],
    }),
    issueCertificate({
      ...period,
      subject: 'CN=laptop',
      extendedKeyUsage: ['clientAuth'],
    }),
    issueCertificate({ ...period, subject: 'CN=assertion' }),
  ])
  const secret = randomBytes(32).toString('base64url')
  const kid = await calculateJwkThumbprint(assertion.publicKeyJwk)

  write('ca.crt', ca.pem)
  write('tls.key', server.privateKeyPem)
  write('client.crt', client.pem)
  write('client.key', client.privateKeyPem)
  write('self-signed.crt', selfSigned.pem)
  write('self-signed.key', selfSigned.privateKeyPem)
  write('self-signed.thumbprint', selfSigned.x509.fingerprint256.replaceAll(':', ''))
  write('assertion.key', JSON.stringify({ ...assertion.privateKeyJwk, kid }))
  write('assertion.jwk', JSON.stringify({ ...assertion.publicKeyJwk, kid }))
  write('secret', secret)
  write('secret.sha256', createHash('sha256').update(secret).digest('base64'))
  // Last: when it is there, all of them are.
  write('tls.crt', server.pem)
  return true
}

function isUsable(file: string, now: Date): boolean {
  try {
    return new X509Certificate(readFileSync(file)).validToDate.getTime() > now.getTime() + DAY
  } catch {
    // Not there, or not what we wrote.
    return false
  }
}
