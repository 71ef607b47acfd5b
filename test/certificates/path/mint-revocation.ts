import { hash } from 'node:crypto'
import { der, nameOf, now, signed } from './mint.ts'
import type { Algorithm, Chain, Extension, Key } from './mint.ts'

const hour = 3_600_000
const before = new Date(now.getTime() - hour)
const after = new Date(now.getTime() + hour)

const extensionList = (extensions: readonly Extension[]): Buffer =>
  der.sequence(
    ...extensions.map(({ oid, critical, value }) =>
      der.sequence(der.oid(oid), ...(critical ? [der.boolean(true)] : []), der.octets(value)),
    ),
  )

export const crlExtension = {
  number: (value: number): Extension => ({ oid: '2.5.29.20', value: der.integer(value) }),
  deltaOf: (value: number): Extension => ({
    oid: '2.5.29.27',
    critical: true,
    value: der.integer(value),
  }),
  /** Flags of issuingDistributionPoint: 1 users, 2 CAs, 4 indirect, 5 attributes; `uri` names it. */
  scope: (flag?: number, uri?: string): Extension => ({
    oid: '2.5.29.28',
    critical: true,
    value: der.sequence(
      ...(uri === undefined ? [] : [der.explicit(0, der.explicit(0, der.implicit(6, uri)))]),
      ...(flag === undefined ? [] : [der.implicit(flag, Buffer.of(0xff))]),
    ),
  }),
} as const

/** Serial numbers, or with a reason code. */
export type Entry = number | { readonly serial: number; readonly reason: number }

export interface CrlMinting {
  readonly issuer: string
  readonly signer: Key
  readonly entries?: Iterable<Entry>
  readonly from?: Date
  /** null: none. */
  readonly until?: Date | null
  readonly extensions?: readonly Extension[]
  readonly algorithm?: Algorithm
}

/** A CRL, by default number 1, valid around `now` and without entries. */
export function mintCrl(options: CrlMinting): Buffer {
  const { until = after, extensions = [crlExtension.number(1)] } = options
  const entries = [...(options.entries ?? [])].map((entry) => {
    const { serial, reason } = typeof entry === 'number' ? { serial: entry, reason: 0 } : entry
    const code: Extension = { oid: '2.5.29.21', value: der.enumerated(reason) }
    const list = reason === 0 ? [] : [extensionList([code])]
    return der.sequence(der.integer(serial), der.time(before), ...list)
  })
  const identifier = options.algorithm?.identifier ?? ecdsaIdentifier
  const tbs = der.sequence(
    der.integer(1),
    identifier,
    nameOf(options.issuer),
    der.time(options.from ?? before),
    ...(until === null ? [] : [der.time(until)]),
    ...(entries.length === 0 ? [] : [der.sequence(Buffer.concat(entries))]),
    der.explicit(0, extensionList(extensions)),
  )
  return signed(tbs, options.signer, options.algorithm)
}

const ecdsaIdentifier = der.sequence(der.oid('1.2.840.10045.4.3.2'))

export interface OcspMinting {
  readonly signer: Key
  readonly status?: 'good' | 'revoked' | 'unknown'
  readonly serial?: number
  readonly from?: Date
  /** null: none. */
  readonly until?: Date | null
  /** Name of the responder; its key's hash by default. */
  readonly responder?: string
  readonly certificates?: readonly Buffer[]
  readonly issuerKey?: Key
  readonly extensions?: readonly Extension[]
}

/** An OCSP response about the leaf of a chain, by default `good`. */
export function mintOcsp({ caKey }: Chain, options: OcspMinting): Buffer {
  const { until = after, certificates = [], responder } = options
  const single = der.sequence(
    der.sequence(
      der.sequence(der.oid('2.16.840.1.101.3.4.2.1')),
      der.octets(hash('sha256', nameOf('CN=ca'), 'buffer')),
      der.octets(hash('sha256', keyBits(options.issuerKey ?? caKey), 'buffer')),
      der.integer(options.serial ?? 3),
    ),
    {
      good: der.implicit(0, ''),
      revoked: der.explicit(1, der.time(before)),
      unknown: der.implicit(2, ''),
    }[options.status ?? 'good'],
    der.time(options.from ?? before),
    ...(until === null ? [] : [der.explicit(0, der.time(until))]),
  )
  const tbs = der.sequence(
    responder === undefined
      ? der.explicit(2, der.octets(hash('sha1', keyBits(options.signer), 'buffer')))
      : der.explicit(1, nameOf(responder)),
    der.time(now),
    der.sequence(single),
    ...(options.extensions ? [der.explicit(1, extensionList(options.extensions))] : []),
  )
  const basic = signed(tbs, options.signer)
  const whole =
    certificates.length === 0
      ? basic
      : der.sequence(unwrapped(basic), der.explicit(0, der.sequence(...certificates)))
  return der.sequence(
    der.enumerated(0),
    der.explicit(0, der.sequence(der.oid('1.3.6.1.5.5.7.48.1.1'), der.octets(whole))),
  )
}

/** The uncompressed point at the end of an EC key. */
function keyBits({ publicKey }: Key): Buffer {
  return publicKey.export({ format: 'der', type: 'spki' }).subarray(-65)
}

/** What is inside a sequence. */
function unwrapped(sequence: Buffer): Buffer {
  const length = sequence[1]!
  return sequence.subarray(length < 0x80 ? 2 : 2 + (length & 0x7f))
}
