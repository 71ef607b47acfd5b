import { X509Certificate } from 'node:crypto'
import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import { LazyName } from '../../src/certificates/lazy-name.ts'
import { names } from '../../src/certificates/names.ts'
import { peerCertificate } from '../../src/certificates/peer-certificate.ts'

interface Vector {
  readonly id: string
  /** Base64 DER. */
  readonly cert: string
  readonly rfc4514: string
  readonly sameAs: 'victim' | 'policy' | null
}

const project = path.join(import.meta.dirname, '../..')
const folder = path.resolve(project, process.env['VOUCHGATE_CORPORA'] ?? '../shared/corpora')
const file = path.join(folder, 'x509/dn-vectors.jsonl')

/** What RFC 5280 §7.1 makes of the cases that leave it open: the id of the name that it is equal to. */
const DECISIONS: Readonly<Record<string, string>> = {
  'dn::victim-spaces': 'dn::victim',
  'dn::bmp': 'dn::victim',
  'dn::nfd': 'dn::utf8',
}

function suite(t: ExecutionContext): void {
  const vectors = readFileSync(file, 'utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Vector)
  const subjects = new Map(
    vectors.map(({ id, cert }) => {
      const x509 = new X509Certificate(Buffer.from(cert, 'base64'))
      return [id, peerCertificate(x509).subject]
    }),
  )
  const keyOf = (id: string) => subjects.get(id)?.key
  for (const { id, rfc4514, sameAs } of vectors) {
    const key = keyOf(id)
    if (id !== 'dn::victim' && sameAs !== 'policy') {
      t.is(key === keyOf('dn::victim'), sameAs === 'victim', id)
    }
    const decided = DECISIONS[id]
    if (decided !== undefined) t.is(key, keyOf(decided), id)
    const forms = subjects.get(id)
    t.true(forms instanceof LazyName)
    for (const text of [rfc4514, forms?.rfc4514, forms?.openssl]) {
      if (text) t.like(names.read(text), { ok: true, key }, `${id}: ${text.slice(0, 200)}`)
    }
  }
}

const title = 'the public name vectors come out right'
if (existsSync(file) || process.env['CI'] === 'true') {
  test(title, suite)
} else {
  process.stdout.write(`skipped: ${title} (no ${file}; VOUCHGATE_CORPORA names the folder)\n`)
  test.skip(title, suite)
}
