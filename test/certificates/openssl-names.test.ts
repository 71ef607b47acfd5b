import { execFile, spawnSync } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

import test from 'ava'
import fc from 'fast-check'

import { issueCertificate } from '../../src/certificates/issue-certificate.ts'
import type {
  DistinguishedName,
  NameAttribute,
} from '../../src/certificates/name/distinguished-name.ts'
import { names } from '../../src/certificates/names.ts'
import { peerCertificate } from '../../src/certificates/peer-certificate.ts'
import { anyName } from './arbitrary-name.ts'

const notBefore = new Date('2026-01-01T00:00:00Z')
const notAfter = new Date('2027-01-01T00:00:00Z')

// OpenSSL takes no certificate with some types in a name, and leaves a BMPString beyond the basic plane in pieces.
const takenName = anyName.map((name) =>
  name.map((step) =>
    step.map((one): NameAttribute => {
      if ('der' in one) return { type: one.type, text: 'no string', stringType: 'UTF8String' }
      const beyond = one.stringType === 'BMPString' && /[\ud800-\udfff]/.test(one.text)
      return one.stringType === 'VisibleString' || beyond
        ? { ...one, stringType: 'UTF8String' }
        : one
    }),
  ),
)

const { privateKey } = await issueCertificate({ subject: 'CN=key', notBefore, notAfter })
const issued = (subject: DistinguishedName) =>
  issueCertificate({ subject, privateKey, notBefore, notAfter })

test("Node's own reading of a name is the same name", async (t) => {
  await fc.assert(
    fc.asyncProperty(takenName, async (name) => {
      const { x509 } = await issued(name)
      const lines = x509.subject.split('\n').join(',')
      t.deepEqual(names.read(lines), { ok: true, key: peerCertificate(x509).subject.key }, lines)
    }),
  )
})

const COMMAS = 'sep_comma_plus_space,esc_2253,esc_ctrl,utf8'
const SLASH_SAFE = /^[^\\/+#]*$/

const run = promisify(execFile)
const hasOpenssl = spawnSync('openssl', ['version']).status === 0

test.serial('what openssl prints of a name in its formats is the same name', async (t) => {
  if (!hasOpenssl) {
    t.log('skipped: no openssl here')
    t.pass()
    return
  }
  const folder = await mkdtemp(path.join(tmpdir(), 'vouchgate-names-'))
  t.teardown(() => rm(folder, { recursive: true, force: true }))
  let count = 0
  const printed = async (pem: string, format: string) => {
    const file = path.join(folder, `${count++}.pem`)
    await writeFile(file, pem)
    const { stdout } = await run('openssl', [
      'x509',
      '-in',
      file,
      '-noout',
      '-subject',
      '-nameopt',
      format,
    ])
    return stdout.replace(/^subject=/, '').replace(/\n$/, '')
  }
  const bits = [[{ type: '2.5.4.45', der: Buffer.from('0303000102', 'hex') }]]
  const { pem: pemOfBits, x509: x509OfBits } = await issued(bits)
  const nameOfBits = peerCertificate(x509OfBits).subject
  t.is(await printed(pemOfBits, 'oneline'), nameOfBits.openssl)
  t.like(names.read(await printed(pemOfBits, 'RFC2253')), { ok: true, key: nameOfBits.key })

  await fc.assert(
    fc.asyncProperty(takenName, async (name) => {
      const { pem, x509 } = await issued(name)
      const { key, openssl } = peerCertificate(x509).subject
      const formats = ['oneline', 'RFC2253', 'oneline,-esc_msb,utf8', COMMAS]
      // This format prints octets as they are and, in older releases, separators too.
      const isText = name
        .flat()
        .every(
          (one) =>
            'text' in one &&
            SLASH_SAFE.test(one.text) &&
            !/^(BMP|Uni|Tel)/.test(one.stringType ?? ''),
        )
      if (isText) formats.push('compat')
      const texts = await Promise.all(formats.map((format) => printed(pem, format)))
      t.is(texts[0], openssl)
      for (const text of texts) t.deepEqual(names.read(text), { ok: true, key }, text)
    }),
    { numRuns: 25, endOnFailure: true },
  )
})
