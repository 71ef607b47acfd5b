import { readElement } from './read-element.ts'
import { readPem } from './read-pem.ts'

/** DER, the certificate of the client first; or what is wrong, without what was sent. */
export type ForwardedChain =
  | { readonly certificates: readonly Uint8Array[] }
  | { readonly fault: string }

/** One way to write a certificate into a header. */
export interface Format {
  /** The usual name of the header. */
  readonly header: string
  /** In lower case: where the rest of the chain stands, when it is not in the same header. */
  readonly chainHeader?: string
  read(value: string, beside: string): ForwardedChain
}

export type FormatName = 'rfc9440' | 'xfcc' | 'pem' | 'der'

const MAX_CERTIFICATES = 11
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/
/** RFC 8941 §3.3.5. */
const BYTE_SEQUENCE = /^:([A-Za-z0-9+/]+={0,2}):$/

export const FORMATS: Readonly<Record<FormatName, Format>> = {
  /** `:base64:`, and the chain as a list of the same (RFC 9440 §2). */
  rfc9440: {
    header: 'Client-Cert',
    chainHeader: 'client-cert-chain',
    read(value, beside) {
      const list = beside === '' ? [] : beside.split(',').map((item) => item.trim())
      const all = [value, ...list].map((item) => BYTE_SEQUENCE.exec(item)?.[1])
      return chain(all, 'not a byte sequence of RFC 8941')
    },
  },
  /** Envoy's, with `Cert` in it; `Chain` counts when it is there. */
  xfcc: {
    header: 'X-Forwarded-Client-Cert',
    read(value) {
      const element = readElement(value)
      if ('fault' in element) return element
      const leaf = element.pairs.get('cert')
      if (leaf === undefined) return { fault: 'no Cert in it; Envoy adds it when told to' }
      const [first, rest] = [percentPem(leaf), percentPem(element.pairs.get('chain') ?? '')]
      if ('fault' in first) return first
      if ('fault' in rest) return element.pairs.has('chain') ? rest : first
      return { certificates: [...first.certificates, ...rest.certificates] }
    },
  },
  /** PEM in percent-encoding: `$ssl_client_escaped_cert` of nginx; more certificates may follow. */
  pem: { header: 'SSL-Client-Cert', read: percentPem },
  /** DER in base64; more certificates may follow after commas. Traefik, HAProxy. */
  der: {
    header: 'X-Forwarded-Tls-Client-Cert',
    read(value) {
      const text = decodePercent(value)
      const all = text?.split(',').map((item) => (BASE64.test(item) ? item : undefined))
      return chain(all ?? [undefined], 'not base64')
    },
  },
}

export const FORMAT_NAMES = Object.keys(FORMATS) as readonly FormatName[]

function percentPem(value: string): ForwardedChain {
  const text = decodePercent(value)
  return chain(text === undefined ? [undefined] : readPem(text), 'not PEM in percent-encoding')
}

function chain(all: readonly (string | undefined)[], fault: string): ForwardedChain {
  if (all.length > MAX_CERTIFICATES) return { fault: `more than ${MAX_CERTIFICATES} certificates` }
  const certificates: Uint8Array[] = []
  for (const base64 of all) {
    if (base64 === undefined) return { fault }
    certificates.push(Buffer.from(base64, 'base64'))
  }
  return { certificates }
}

function decodePercent(value: string): string | undefined {
  try {
    return decodeURIComponent(value)
  } catch {
    return undefined
  }
}
