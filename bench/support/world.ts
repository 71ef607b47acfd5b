import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'

import { issueCertificate } from '../../src/certificates/issue-certificate.ts'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))
export const SECRET = 'a-generated-secret-of-the-benchmark'
export const BASIC = `Basic ${btoa(`batch:${SECRET}`)}`

/** A folder with certificates, clients and a configuration, gone with `end`. */
export interface World {
  readonly folder: string
  file(name: string, text?: string): string
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
  const client = await issueCertificate({
    ...times,
    subject: 'CN=client, O=Bench',
    issuer: ca,
    extendedKeyUsage: ['clientAuth'],
  })
  file('ca.crt', ca.pem)
  file('tls.crt', server.pem)
  file('tls.key', server.privateKeyPem)
  file('client.crt', client.pem)
  file('client.key', client.privateKeyPem)
  const hash = createHash('sha256').update(SECRET).digest('base64')
  const batch = (clientId: string, accessTokenType: string) => ({
    clientId,
    clientSecrets: [{ value: hash }],
    allowedScopes: ['read'],
    accessTokenType,
  })
  const named = {
    clientId: 'named',
    clientSecrets: [{ type: 'X509Name', value: 'CN=client, O=Bench' }],
  }
  const clients = [batch('batch', 'Jwt'), batch('opaque', 'Reference'), named]
  file('clients.json', JSON.stringify({ clients }))
  return { folder, file, end: () => rmSync(folder, { recursive: true, force: true }) }
}

/** Writes a configuration of ours. @returns its file */
export function configuration(world: World, port: number, upstream: number, state: object): string {
  const settings = {
    issuer: `https://localhost:${port}`,
    listen: { host: '127.0.0.1', port, certificate: 'tls.crt', key: 'tls.key' },
    operations: { host: '127.0.0.1', port: port + 1 },
    upstream: `http://127.0.0.1:${upstream}`,
    clients: 'clients.json',
    trust: { anchors: ['ca.crt'] },
    routes: [{ path: '/public', public: true }],
    state,
    log: { level: 'error' },
  }
  return world.file(`vouchgate-${port}.yaml`, JSON.stringify(settings))
}

/** Waits until a port takes connections over TLS. */
export async function untilUp(ask: () => Promise<unknown>): Promise<void> {
  for (let attempt = 0; attempt < 100; attempt++) {
    try {
      await ask()
      return
    } catch {
      await sleep(100)
    }
  }
  throw new Error('a server did not come up in 10 s')
}
