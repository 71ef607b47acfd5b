import { execFile, execFileSync } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'

import test from 'ava'

import { pki } from '../support/pki.ts'
import type { Identity } from '../support/pki.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import { registeredClients, SECRET } from './registered-clients.ts'

const running = sharedSidecar(test, registeredClients)

/** Missing on a developer's machine it is skipped, in CI it has to be there. */
const hasCurl = (() => {
  try {
    execFileSync('curl', ['--version'])
    return true
  } catch {
    return false
  }
})()
const withCurl = hasCurl || process.env['CI'] !== undefined ? test : test.skip

async function curl(...args: readonly string[]): Promise<{ status: number; text: string }> {
  const ca = path.join(running().folder, 'ca.crt')
  const written = ['--silent', '--show-error', '--cacert', ca, '--write-out', '\n%{http_code}']
  const { stdout } = await promisify(execFile)('curl', [...written, ...args])
  const end = stdout.lastIndexOf('\n')
  return { status: Number(stdout.slice(end + 1)), text: stdout.slice(0, end) }
}

async function certificateFiles(name: string, { cert, key }: Identity) {
  const file = (end: string) => path.join(running().folder, `${name}.${end}`)
  writeFileSync(file('crt'), cert)
  writeFileSync(file('key'), key)
  return ['--cert', file('crt'), '--key', file('key')]
}

const CURL_METHODS: Readonly<Record<string, () => Promise<readonly string[]>>> = {
  client_secret_basic: async () => ['--user', `curl:${SECRET}`],
  client_secret_post: async () => [
    '--data',
    'client_id=secret',
    '--data-urlencode',
    `client_secret=${SECRET}`,
  ],
  private_key_jwt: async () =>
    Object.entries(await signAssertion('signer', (await pki()).client.privateKeyJwk)).flatMap(
      ([name, value]) => ['--data-urlencode', `${name}=${value}`],
    ),
  tls_client_auth: async () => [
    '--data',
    'client_id=named',
    ...(await certificateFiles('named', (await pki()).client)),
  ],
  self_signed_tls_client_auth: async () =>
    certificateFiles('laptop', (await pki()).selfSignedClient),
}

for (const [method, args] of Object.entries(CURL_METHODS)) {
  withCurl(`curl gets a token by ${method} and calls the API`, async (t) => {
    const base = `https://localhost:${running().port}`
    const chosen = await args()
    const { status, text } = await curl(
      ...chosen,
      '--data',
      'grant_type=client_credentials',
      `${base}/connect/token`,
    )
    t.is(status, 200, text)
    const { access_token: token } = JSON.parse(text) as { access_token: string }
    const certificate = chosen.slice(chosen.indexOf('--cert'))
    const api = await curl(
      ...(chosen.includes('--cert') ? certificate : []),
      '--header',
      `Authorization: Bearer ${token}`,
      `${base}/orders`,
    )
    t.is(api.text, 'upstream says hello')
    t.is(api.status, 200)
  })
}

withCurl('curl calls the API by a secret, and by a certificate alone', async (t) => {
  const base = `https://localhost:${running().port}`
  const files = await certificateFiles('alone', (await pki()).client)
  for (const args of [['--user', `curl:${SECRET}`], files]) {
    const { status, text } = await curl(...args, `${base}/orders`)
    t.is(status, 200, text)
  }
})
