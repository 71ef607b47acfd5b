import path from 'node:path'

import test from 'ava'
import type { ExecutionContext } from 'ava'

import type { Settings } from '../../../src/config/settings-schema.ts'
import { loadTrust } from '../../../src/certificates/trust/load-trust.ts'
import { pki } from '../../support/pki.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'
import { mintChain, now } from '../path/mint.ts'
import { crlExtension, mintCrl } from '../path/mint-revocation.ts'

type Trust = Settings['trust']

const NOW = new Date()
const chain = mintChain()
const crl = mintCrl({ issuer: 'CN=ca', signer: chain.caKey })

const pem = (label: string, der: Buffer) =>
  `-----BEGIN ${label}-----\n${der.toString('base64')}\n-----END ${label}-----\n`

async function load(
  t: ExecutionContext,
  files: Readonly<Record<string, string | Buffer>>,
  trust: (inFolder: (name: string) => string) => Partial<Trust>,
  at = NOW,
) {
  const folder = temporaryFolder(t, files)
  const inFolder = (name: string) => path.join(folder, name)
  const settings: Trust = { anchors: [], sets: {}, revocation: undefined, ...trust(inFolder) }
  const locate = (where: readonly PropertyKey[]) => `vouchgate.yaml:${where.join('.')}`
  const { sets, faults } = await loadTrust(settings, locate, at)
  const shown = faults.map(({ at: place, message, severity }) => {
    return `${severity} ${place}: ${message.replaceAll(`${folder}/`, '')}`
  })
  return { sets, faults: shown }
}

test('anchors are read by set, several from one file', async (t) => {
  const { rootCa, otherCa, intermediateCa } = await pki()
  const files = { 'a.pem': rootCa.pem + otherCa.pem, 'b.pem': `Bag\n${intermediateCa.pem}` }
  const { sets, faults } = await load(t, files, (file) => ({
    anchors: [file('a.pem')],
    sets: { tenant: { anchors: [file('b.pem')], revocation: undefined } },
  }))
  t.deepEqual(faults, [])
  t.deepEqual(
    sets.map(({ name, anchors }) => [name, anchors.certificates.length]),
    [
      ['default', 2],
      ['tenant', 1],
    ],
  )
})

test('every faulty anchor is named with its file and where the file is named', async (t) => {
  const { rootCa, client, leaf } = await pki()
  const expired = await leaf({
    subject: 'CN=old',
    ca: true,
    notBefore: new Date(0),
    notAfter: new Date(1000),
  })
  const weak = await leaf({ ca: true, keyAlgorithm: 'RS256', modulusLength: 1024 })
  const files = {
    'leaf.pem': client.pem,
    'empty.pem': '',
    'damaged.pem': rootCa.pem.replace('MII', 'MIA'),
    'old.pem': expired.pem,
    'weak.pem': weak.pem,
  }
  const names = ['leaf.pem', 'empty.pem', 'damaged.pem', 'old.pem', 'weak.pem', 'gone.pem']
  const { faults } = await load(t, files, (file) => ({
    sets: { tenant: { anchors: names.map(file), revocation: undefined } },
  }))
  const where = (index: number) =>
    `vouchgate.yaml:trust.sets.tenant.anchors.${index}: trust.sets.tenant.anchors: ${names[index]}`
  t.deepEqual(faults.map((fault) => fault.replace(/(read|accepted).*?: .*/, '$1')).toSorted(), [
    `error ${where(0)} holds a certificate that is no authority: Example, client`,
    `error ${where(1)} holds no PEM certificate`,
    `error ${where(2)} holds a certificate that cannot be read`,
    `error ${where(4)} holds an authority whose key is not accepted`,
    `error ${where(5)} cannot be read`,
    `note ${where(3)} holds an authority that has expired: old`,
  ])
})

const revocation = (crls: string[]) => ({
  mode: 'leaf' as const,
  policy: 'hard' as const,
  grace: 0,
  crls,
})

test('CRLs are read in PEM and DER, several from one file', async (t) => {
  const files = { 'a.crl': crl, 'b.pem': pem('X509 CRL', crl) + pem('X509 CRL', crl) }
  const { sets, faults } = await load(
    t,
    files,
    (file) => ({ revocation: revocation([file('a.crl'), file('b.pem')]) }),
    now,
  )
  t.deepEqual(faults, [])
  t.deepEqual(
    sets[0]?.crlFiles.map(({ crls }) => crls.length),
    [1, 2],
  )
})

test('every faulty CRL is named with its file and where the file is named', async (t) => {
  const strange = { oid: '1.2.3', critical: true, value: Buffer.of(5, 0) }
  const ca = { issuer: 'CN=ca', signer: chain.caKey }
  const files = {
    'garbage.crl': 'garbage',
    'empty.crl': '',
    'cut.crl': crl.subarray(0, 50),
    'endless.crl': mintCrl({ ...ca, until: null }),
    'strange.crl': mintCrl({ ...ca, extensions: [crlExtension.number(1), strange] }),
    'late.crl': mintCrl({ ...ca, until: new Date(now.getTime() - 1) }),
  }
  const names = [...Object.keys(files), 'gone.crl', '.']
  const { faults } = await load(
    t,
    files,
    (file) => ({ revocation: revocation(names.map(file)) }),
    now,
  )
  t.deepEqual(
    faults
      .map((fault) => fault.replace(/.*crls\.(\d): trust.revocation.crls: \S+ /, '$1 '))
      .toSorted(),
    [
      '0 holds no CRL, PEM or DER',
      '1 holds no CRL, PEM or DER',
      '2 holds a CRL that cannot be read: element is longer than what holds it',
      '3 holds a CRL without nextUpdate',
      '4 holds a CRL with critical extension 1.2.3',
      '5 holds a CRL that is out of date',
      '6 cannot be read: ENOENT',
      '7 is not a file',
    ],
  )
})
