import { isIP } from 'node:net'

import { z } from 'zod'

import { FORMAT_NAMES } from './formats.ts'

const network = z.string().refine((text) => {
  const [address = '', length, ...rest] = text.split('/')
  const most = isIP(address) === 6 ? 128 : 32
  const isLength = (digits: string) => /^[1-9]\d{0,2}$/.test(digits) && Number(digits) <= most
  return isIP(address) !== 0 && rest.length === 0 && (length === undefined || isLength(length))
}, 'is not an IP address or a network such as 10.0.0.0/8')

const thumbprint = z
  .string()
  .transform((text) => text.replaceAll(/[\s:]/g, '').toUpperCase())
  .refine(
    (digits) => /^[0-9A-F]{64}$/.test(digits),
    'is no SHA-256 thumbprint of 64 hexadecimal digits',
  )

export const options = z
  .strictObject({
    /** Addresses and networks of the proxies whose word counts. */
    proxies: z.array(network).min(1).optional(),
    /** SHA-256 thumbprints of the certificates that they connect with. With `proxies` too, both have to fit. */
    certificates: z.array(thumbprint).min(1).optional(),
    /** How the header is written; `rfc9440` when it is left out. */
    format: z.enum(FORMAT_NAMES).optional(),
    /** The header, when it is not the usual one of the format. The proxy has to overwrite it in every request. */
    header: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'is not a header name')
      .optional(),
  })
  .refine(
    ({ proxies, certificates, format, header }) =>
      (format ?? header) === undefined || proxies || certificates,
    'names nobody whose word counts; set proxies, certificates, or both',
  )
  .prefault({})

export type Options = z.infer<typeof options>
