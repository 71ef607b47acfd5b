import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import path from 'node:path'
import { promisify } from 'node:util'

import test from 'ava'

import { testWith } from '../deploy/support/proxy.ts'
import { secretClient } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { basic } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'

const SECRET = 'a generated secret'
const AUTHORIZATION = `authorization: ${basic('batch', SECRET)}`

const running = sharedSidecar(test, async () => ({
  clients: [
    secretClient('batch', SECRET),
    {
      clientId: 'laptop',
      clientSecrets: [
        { type: 'X509Thumbprint', value: (await pki()).selfSignedClient.x509.fingerprint256 },
      ],
    },
  ],
}))

const run = async (program: string, args: readonly string[]) =>
  (await promisify(execFile)(program, args, { maxBuffer: 64 * 1024 * 1024 })).stdout

/** @returns the version of HTTP that was agreed on, the status, and the body */
async function curl(where: string, ...args: readonly string[]) {
  const { port, folder } = running()
  const stdout = await run('curl', [
    '--silent',
    '--show-error',
    '--cacert',
    path.join(folder, 'ca.crt'),
    '--write-out',
    '\n%{http_version} %{http_code}',
    ...args,
    `https://localhost:${port}${where}`,
  ])
  const end = stdout.lastIndexOf('\n')
  return { said: stdout.slice(end + 1), text: stdout.slice(0, end) }
}

const withCurl = testWith(test, 'curl', '--version')
const withH2load = testWith(test, 'h2load', '--version')

withCurl('curl speaks HTTP/2, and HTTP/1.1 when it is told to', async (t) => {
  t.like(await curl('/a', '--http2', '-H', AUTHORIZATION), { said: '2 200' })
  t.like(await curl('/a', '--http1.1', '-H', AUTHORIZATION), { said: '1.1 200' })
  t.like(await curl('/a', '--no-alpn', '-H', AUTHORIZATION), { said: '1.1 200' })
  t.like(await curl('/a', '--http2'), { said: '2 401' })
  t.like(await curl('/a', '--http2', '--head', '-H', AUTHORIZATION), { said: '2 200' })
})

withCurl('curl proves itself by a certificate over HTTP/2', async (t) => {
  const { folder } = running()
  const { cert, key } = (await pki()).selfSignedClient
  writeFileSync(path.join(folder, 'laptop.pem'), cert + key)
  const pem = ['--cert', path.join(folder, 'laptop.pem')]
  t.like(await curl('/certificate', '--http2', ...pem), { said: '2 200' })
  const arrived = running().upstream.arrived.find(({ url }) => url === '/certificate')
  t.is(arrived?.headers['x-client-id'], 'laptop')
})

for (const expect of ['expect: 100-continue', 'expect:']) {
  withCurl(`curl uploads 20 MB over HTTP/2 (${expect})`, async (t) => {
    const { folder, upstream } = running()
    const body = Buffer.alloc(20_000_000, 'a piece of a large body ')
    const file = path.join(folder, `body-${expect.length}`)
    writeFileSync(file, body)
    const where = `/upload/${expect.length}`
    const args = ['--http2', '-H', AUTHORIZATION, '-H', expect, '--data-binary', `@${file}`]
    t.like(await curl(where, ...args), { said: '2 200' })
    const digest = (bytes: Buffer) => createHash('sha256').update(bytes).digest('hex')
    const arrived = upstream.arrived.find(({ url }) => url === where)
    t.is(digest(arrived?.body ?? Buffer.alloc(0)), digest(body))
  })
}

withCurl('curl hears that its large upload is refused', async (t) => {
  const file = path.join(running().folder, 'refused')
  writeFileSync(file, Buffer.alloc(20_000_000))
  t.like(await curl('/refused', '--http2', '--data-binary', `@${file}`), { said: '2 401' })
})

withH2load('h2load gets every answer, 100 streams at one time', async (t) => {
  const { port } = running()
  const url = `https://localhost:${port}/load`
  const said = await run('h2load', ['-n', '2000', '-c', '4', '-m', '100', '-H', AUTHORIZATION, url])
  t.regex(said, /2000 succeeded, 0 failed, 0 errored, 0 timeout/)
  t.regex(said, /status codes: 2000 2xx/)
})
