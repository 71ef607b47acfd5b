import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { Readable } from 'node:stream'

import test from 'ava'
import type { ExecutionContext } from 'ava'
import { CORE_SCHEMA, load } from 'js-yaml'

import { issueCertificate } from '../../src/certificates/issue-certificate.ts'
import { certificate } from '../../src/commands/certificate.ts'
import { pki } from '../support/pki.ts'

const times = {
  notBefore: new Date('2026-01-01T00:00:00Z'),
  notAfter: new Date('2027-01-01T00:00:00Z'),
}

async function run(args: readonly string[], cwd = '.', stdin: Uint8Array = Buffer.alloc(0)) {
  let stdout = ''
  let stderr = ''
  const code = await certificate.run(args, {
    stdout: { write: (text: string) => (stdout += text) },
    stderr: { write: (text: string) => (stderr += text) },
    stdin: Readable.from([stdin]),
    env: {},
    cwd,
    now: () => new Date('2026-06-01T12:00:00Z'),
  })
  return { code, stdout, stderr }
}

async function folderWith(t: ExecutionContext, file: string, content: string | Uint8Array) {
  const folder = await mkdtemp(path.join(tmpdir(), 'vouchgate-certificate-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  await writeFile(path.join(folder, file), content)
  return folder
}

test('a certificate is shown with secrets that are YAML', async (t) => {
  const { rootCa } = await pki()
  const subject = [[{ type: '2.5.4.3', text: 'a "b", \\c: #d\u001b[31m\u0085' }]]
  const { pem, x509 } = await issueCertificate({ subject, issuer: rootCa, ...times })
  const cwd = await folderWith(t, 'client.pem', pem)
  const { code, stdout, stderr } = await run(['client.pem'], cwd)
  t.is(code, 0)
  t.is(stderr, '')
  t.true(
    stdout.includes('  valid          2026-01-01 00:00 to 2027-01-01 00:00 (ends in 213 days)\n'),
  )
  t.true(stdout.includes(`  SHA-1          ${x509.fingerprint.replaceAll(':', '')}\n`))
  // oxlint-disable-next-line no-control-regex
  t.notRegex(stdout, /[\0-\u0009\u000b-\u001f\u007f-\u009f]/)
  const { clientSecrets } = load(stdout.slice(stdout.indexOf('clientSecrets:')), {
    schema: CORE_SCHEMA,
  }) as { readonly clientSecrets: readonly Record<string, string>[] }
  t.like(clientSecrets[0], {
    type: 'X509Thumbprint',
    value: x509.fingerprint256.replaceAll(':', ''),
    expiration: '2027-01-01T00:00:00.000Z',
  })
  t.like(clientSecrets[2], { type: 'X509Name', value: 'CN="a ""b"", \\c: #d\u001b[31m\u0085"' })
})

test('the time that is left or has passed is said', async (t) => {
  const phrase = async (notBefore: string, notAfter: string) => {
    const { pem } = await issueCertificate({
      subject: 'CN=a',
      notBefore: new Date(notBefore),
      notAfter: new Date(notAfter),
    })
    const { stdout } = await run(['-'], '.', Buffer.from(pem))
    return /\(([^)]+)\)\n/.exec(stdout)?.[1]
  }
  t.is(await phrase('2026-01-01T00:00Z', '2026-05-30T12:00Z'), 'EXPIRED 2 days ago')
  t.is(await phrase('2026-01-01T00:00Z', '2026-06-01T13:00Z'), 'ends in 1 hour')
  t.is(await phrase('2026-06-02T12:00Z', '2027-01-01T00:00Z'), 'NOT YET VALID, begins in 1 day')
})

test('--json is for machines', async (t) => {
  const { pem, x509 } = await issueCertificate({ subject: 'CN=a', ...times })
  const { code, stdout } = await run(['--json', '-'], '.', Buffer.from(pem))
  t.is(code, 0)
  t.like(JSON.parse(stdout), {
    validity: 'valid',
    others: 0,
    facts: {
      thumbprintSha1: x509.fingerprint.replaceAll(':', ''),
      notAfter: '2027-01-01T00:00:00.000Z',
    },
    warnings: [{ reason: 'self-signed' }],
  })
})

const { privateKey, publicKey } = generateKeyPairSync('rsa', { modulusLength: 2048 })
const pkcs8 = privateKey.export({ type: 'pkcs8', format: 'der' })
const ec = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey
const encrypted = { cipher: 'aes-256-cbc', passphrase: 'x' }
// The beginning of each structure, which is all that tells it apart.
const PKCS12 = '3020020103301b06092a864886f70d010701a00e040c000000000000000000000000'
const PKCS7 = '300d06092a864886f70d010702a000'

const WRONG: Readonly<Record<string, readonly [content: string | Uint8Array, said: RegExp]>> = {
  'an empty file': ['', /is empty; name a certificate/],
  'a private key': [privateKey.export({ type: 'pkcs8', format: 'pem' }), /is a private key, not a/],
  'a private key in DER': [pkcs8, /is a private key, not a certificate/],
  'a private key of PKCS#1': [
    privateKey.export({ type: 'pkcs1', format: 'der' }),
    /is a private key/,
  ],
  'a private key of SEC 1': [ec.export({ type: 'sec1', format: 'der' }), /is a private key/],
  'an EC key': [ec.export({ type: 'pkcs8', format: 'der' }), /is a private key/],
  'an encrypted key': [
    privateKey.export({ type: 'pkcs8', format: 'der', ...encrypted }),
    /is a private key/,
  ],
  'a public key': [publicKey.export({ type: 'spki', format: 'pem' }), /is a public key without/],
  'a public key in DER': [
    publicKey.export({ type: 'spki', format: 'der' }),
    /is a public key without/,
  ],
  'a request': [
    '-----BEGIN CERTIFICATE REQUEST-----\n',
    /is a certificate request \(CSR\).*have a CA/,
  ],
  'a revocation list': ['-----BEGIN X509 CRL-----\n', /is a revocation list/],
  'a key store': [Buffer.from(PKCS12, 'hex'), /is a PKCS#12 key store.*openssl pkcs12/],
  'a key store in base64': [
    Buffer.from(PKCS12, 'hex').toString('base64'),
    /is a PKCS#12 key store/,
  ],
  'a PKCS#7 bundle': [Buffer.from(PKCS7, 'hex'), /is a PKCS#7 bundle.*openssl pkcs7/],
  'a Java key store': [Buffer.from('feedfeed00000002', 'hex'), /is a Java key store.*keytool/],
  'other PEM': ['-----BEGIN OPENSSH THING-----\n', /is PEM, but of a OPENSSH THING/],
  'half a certificate': ['-----BEGIN CERTIFICATE-----\nMIIB', /ends inside its certificate/],
  'a damaged certificate': [
    '-----BEGIN CERTIFICATE-----\nMIIB\n-----END CERTIFICATE-----',
    /holds a certificate that is damaged/,
  ],
  'any text': ['hello, world', /is no certificate; name a certificate in PEM/],
  'too much': [Buffer.alloc(1024 * 1024 + 5), /is larger than 1048576 bytes/],
}

for (const [title, [content, said]] of Object.entries(WRONG)) {
  test(`${title} is told from a certificate`, async (t) => {
    const cwd = await folderWith(t, 'file', content)
    const { code, stdout, stderr } = await run(['file'], cwd)
    t.is(code, 1)
    t.is(stdout, '')
    t.regex(stderr, said)
    t.true(stderr.startsWith('vouchgate certificate: file '))
    t.notRegex(stderr, /[A-Za-z0-9+/]{40}/)
  })
}

test('a file that is not there and a folder are named', async (t) => {
  const cwd = await folderWith(t, 'file', '')
  t.like(await run(['none'], cwd), {
    code: 1,
    stderr: 'vouchgate certificate: none does not exist\n',
  })
  const { code, stderr } = await run(['.'], cwd)
  t.is(code, 1)
  t.regex(stderr, /is a folder/)
})

test('a wrong call shows the usage and exits with 2', async (t) => {
  for (const args of [[], ['a', 'b'], ['--jsn', 'a']]) {
    const { code, stdout, stderr } = await run(args)
    t.is(code, 2)
    t.is(stdout, '')
    t.true(stderr.endsWith(certificate.usage))
  }
  t.deepEqual(await run(['--help']), { code: 0, stdout: certificate.usage, stderr: '' })
})
