import { constants, generateKeyPairSync, sign } from 'node:crypto'
import type { KeyObject } from 'node:crypto'
import { encodeObjectIdentifier } from '../../../src/certificates/der/object-identifier.ts'
import { writeDer } from '../../../src/certificates/der/write-der.ts'

/** DER by hand, so that certificates can say what no issuing tool would let them say. */
export const der = {
  sequence: (...parts: Uint8Array[]) => writeDer(0x30, ...parts),
  set: (...parts: Uint8Array[]) => writeDer(0x31, ...parts),
  oid: (dotted: string) => writeDer(0x06, encodeObjectIdentifier(dotted)!),
  octets: (content: Uint8Array) => writeDer(0x04, content),
  bits: (content: Uint8Array) => writeDer(0x03, Buffer.of(0), content),
  /** Named bits, of one octet: the first is bit 0. */
  flags: (...bits: number[]) => {
    const octet = bits.reduce((sum, bit) => sum | (0x80 >> bit), 0)
    return writeDer(0x03, Buffer.of(7 - Math.max(...bits), octet))
  },
  integer: (value: number | bigint) => {
    if (value < 0) return writeDer(0x02, Buffer.of(Number(value) & 0xff))
    const hex = value.toString(16)
    const octets = Buffer.from(hex.length % 2 ? `0${hex}` : hex, 'hex')
    return writeDer(0x02, octets[0]! > 0x7f ? Buffer.concat([Buffer.of(0), octets]) : octets)
  },
  boolean: (value: boolean) => writeDer(0x01, Buffer.of(value ? 0xff : 0)),
  enumerated: (value: number) => writeDer(0x0a, Buffer.of(value)),
  nothing: () => writeDer(0x05),
  text: (value: string) => writeDer(0x0c, Buffer.from(value)),
  /** Context-specific and constructed, or primitive with text. */
  explicit: (tag: number, ...parts: Uint8Array[]) => writeDer(0xa0 | tag, ...parts),
  implicit: (tag: number, content: Uint8Array | string) =>
    writeDer(0x80 | tag, Buffer.from(content as Uint8Array)),
  time: (date: Date) =>
    writeDer(0x18, Buffer.from(`${date.toISOString().replaceAll(/[-:T]|\.\d+Z/g, '')}Z`)),
}

const attributes = { CN: '2.5.4.3', O: '2.5.4.10', E: '1.2.840.113549.1.9.1' } as const

/** A name from `O=…, CN=…`, encoded in this order. */
export function nameOf(text: string): Buffer {
  const rdns = text === '' ? [] : text.split(', ')
  return der.sequence(
    ...rdns.map((rdn) => {
      const [type, value] = rdn.split('=') as [keyof typeof attributes, string]
      return der.set(der.sequence(der.oid(attributes[type]), der.text(value)))
    }),
  )
}

export type Key = { readonly publicKey: KeyObject; readonly privateKey: KeyObject }

export const newKey = (): Key => generateKeyPairSync('ec', { namedCurve: 'P-256' })

/** A signature algorithm: its identifier, and how node:crypto makes it. */
export interface Algorithm {
  readonly identifier: Buffer
  readonly digest: string | undefined
  readonly saltLength?: number
}

const algorithm = (oid: string, digest?: string, ...parameters: Buffer[]): Algorithm => ({
  identifier: der.sequence(der.oid(oid), ...parameters),
  digest,
})

/** RSA-PSS: the digest and that of the mask, by their numbers under 2.16.840.1.101.3.4.2, and the salt. */
export function pss(digest: number, maskDigest: number, saltLength: number): Algorithm {
  const hash = (number: number) => der.sequence(der.oid(`2.16.840.1.101.3.4.2.${number}`))
  const parameters = der.sequence(
    der.explicit(0, hash(digest)),
    der.explicit(1, der.sequence(der.oid('1.2.840.113549.1.1.8'), hash(maskDigest))),
    der.explicit(2, der.integer(saltLength)),
  )
  const names = ['sha256', 'sha384', 'sha512']
  return { ...algorithm('1.2.840.113549.1.1.10', names[digest - 1], parameters), saltLength }
}

export const algorithms = {
  ecdsa: algorithm('1.2.840.10045.4.3.2', 'sha256'),
  ecdsa384: algorithm('1.2.840.10045.4.3.3', 'sha384'),
  ecdsa512: algorithm('1.2.840.10045.4.3.4', 'sha512'),
  ecdsaSha1: algorithm('1.2.840.10045.4.1', 'sha1'),
  rsa: algorithm('1.2.840.113549.1.1.11', 'sha256', der.nothing()),
  ed25519: algorithm('1.3.101.112'),
} as const

export interface Extension {
  readonly oid: string
  readonly critical?: boolean
  readonly value: Buffer
}

export interface Minting {
  readonly subject: string
  readonly issuer?: string
  readonly key?: Key
  readonly signer?: Key
  readonly serial?: number | bigint
  readonly from?: Date
  readonly until?: Date
  readonly extensions?: readonly Extension[]
  readonly algorithm?: Algorithm
  readonly innerAlgorithm?: Algorithm
  /** 0 is version 1. */
  readonly version?: number
}

/** When everything here is valid. */
export const now = new Date('2026-06-01T12:00:00Z')
const day = 86_400_000
const yesterday = new Date(now.getTime() - day)
const tomorrow = new Date(now.getTime() + day)

/** Signs what is to be signed, and puts the three parts together. */
export function signed(tbs: Buffer, signer: Key, made: Algorithm = algorithms.ecdsa): Buffer {
  const { digest, saltLength } = made
  const padding =
    saltLength === undefined ? {} : { padding: constants.RSA_PKCS1_PSS_PADDING, saltLength }
  const signature = sign(digest, tbs, { key: signer.privateKey, ...padding })
  return der.sequence(tbs, made.identifier, der.bits(signature))
}

/** A certificate; by default self-issued, of version 3, valid around `now`. */
export function mint(options: Minting): Buffer {
  const { subject, issuer = subject, key = sharedKey, extensions = [], version = 2 } = options
  const made = options.algorithm ?? algorithms.ecdsa
  const list = extensions.map(({ oid, critical, value }) =>
    der.sequence(der.oid(oid), ...(critical ? [der.boolean(true)] : []), der.octets(value)),
  )
  const tbs = der.sequence(
    ...(version === 0 ? [] : [der.explicit(0, der.integer(version))]),
    der.integer(options.serial ?? 1),
    (options.innerAlgorithm ?? made).identifier,
    nameOf(issuer),
    der.sequence(der.time(options.from ?? yesterday), der.time(options.until ?? tomorrow)),
    nameOf(subject),
    key.publicKey.export({ format: 'der', type: 'spki' }),
    ...(list.length === 0 ? [] : [der.explicit(3, der.sequence(...list))]),
  )
  return signed(tbs, options.signer ?? key, made)
}

/** Keys are slow to make; most certificates may share this one. */
export const sharedKey = newKey()

export const extension = {
  ca: (pathLength?: number): Extension => ({
    oid: '2.5.29.19',
    critical: true,
    value: der.sequence(
      der.boolean(true),
      ...(pathLength === undefined ? [] : [der.integer(pathLength)]),
    ),
  }),
  notCa: { oid: '2.5.29.19', critical: true, value: der.sequence() },
  keyUsage: (...bits: number[]): Extension => ({
    oid: '2.5.29.15',
    critical: true,
    value: der.flags(...bits),
  }),
  usage: (...oids: string[]): Extension => ({
    oid: '2.5.29.37',
    value: der.sequence(...oids.map((oid) => der.oid(oid))),
  }),
  san: (...names: Buffer[]): Extension => ({ oid: '2.5.29.17', value: der.sequence(...names) }),
  constraints: (permitted: readonly Buffer[], excluded: readonly Buffer[] = []): Extension => ({
    oid: '2.5.29.30',
    critical: true,
    value: der.sequence(
      ...[permitted, excluded].flatMap((bases, tag) =>
        bases.length === 0 ? [] : [der.explicit(tag, ...bases.map((base) => der.sequence(base)))],
      ),
    ),
  }),
  policies: (...oids: string[]): Extension => ({
    oid: '2.5.29.32',
    value: der.sequence(...oids.map((oid) => der.sequence(der.oid(oid)))),
  }),
  mappings: (...pairs: readonly (readonly [string, string])[]): Extension => ({
    oid: '2.5.29.33',
    value: der.sequence(...pairs.map((pair) => der.sequence(...pair.map((oid) => der.oid(oid))))),
  }),
  requireExplicitPolicy: (skip: number): Extension => ({
    oid: '2.5.29.36',
    critical: true,
    value: der.sequence(der.implicit(0, Buffer.of(skip))),
  }),
} as const

export const usages = {
  client: '1.3.6.1.5.5.7.3.2',
  server: '1.3.6.1.5.5.7.3.1',
  ocsp: '1.3.6.1.5.5.7.3.9',
  any: '2.5.29.37.0',
} as const

/** GeneralNames. */
export const general = {
  other: (oid: string, value: Buffer) => der.explicit(0, der.oid(oid), der.explicit(0, value)),
  email: (value: string) => der.implicit(1, value),
  dns: (value: string) => der.implicit(2, value),
  directory: (value: string) => der.explicit(4, nameOf(value)),
  uri: (value: string) => der.implicit(6, value),
  ip: (...octets: number[]) => der.implicit(7, Buffer.from(octets)),
}

/** A root, an intermediate CA below it and a client's leaf, each with a key of its own. */
export interface Chain {
  readonly rootKey: Key
  readonly caKey: Key
  readonly root: Buffer
  readonly ca: Buffer
  readonly leaf: Buffer
}

const rootKey = newKey()
const caKey = newKey()

/** An ordinary chain, with what `changes` say otherwise. */
export function mintChain(
  changes: {
    readonly root?: Partial<Minting>
    readonly ca?: Partial<Minting>
    readonly leaf?: Partial<Minting>
  } = {},
): Chain {
  const usual = [extension.ca(), extension.keyUsage(5, 6)]
  const root = mint({ subject: 'CN=root', key: rootKey, extensions: usual, ...changes.root })
  const ca = mint({
    subject: 'CN=ca',
    issuer: 'CN=root',
    key: caKey,
    signer: rootKey,
    serial: 2,
    extensions: usual,
    ...changes.ca,
  })
  const leaf = mint({
    subject: 'O=bank, CN=client',
    issuer: 'CN=ca',
    signer: caKey,
    serial: 3,
    extensions: [extension.notCa, extension.keyUsage(0), extension.usage(usages.client)],
    ...changes.leaf,
  })
  return { rootKey, caKey, root, ca, leaf }
}
