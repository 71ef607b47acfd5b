import type { Malformed, Parser, ParserPlugin, PluginHost, RelayedConnection } from '#contract'
import { LRUCache } from 'lru-cache'

import { FORMATS } from './formats.ts'
import type { ForwardedChain, Format } from './formats.ts'
import { options } from './options.ts'
import type { Options } from './options.ts'
import { proxyCheck } from './proxy-check.ts'

/** Every name under which some proxy tells of certificates. */
const PRIVATE = [
  'Client-Cert',
  'Client-Cert-Chain',
  'X-Forwarded-Client-Cert',
  'X-Forwarded-Tls-Client-Cert*',
  'X-SSL-Client-*',
  'SSL-Client-*',
  'X-Client-Cert',
  'X-Client-Certificate',
  'X-ARR-ClientCert',
  'X-Amzn-Mtls-Clientcert*',
]

/** How many certificates are kept as they were read. */
const KEPT = 1000

/**
 * The certificate that a client showed to a trusted proxy before us, from the one header that the proxy sets: RFC 9440,
 * Envoy, PEM in percent-encoding (nginx), DER in base64 (Traefik, HAProxy). It takes the place of the certificate of
 * the connection, which is the proxy's, so `tls-client-certificate` reads it and tokens are bound to it. From anybody
 * else these headers are not looked at, and nobody's reach the upstream. Without `proxies` and `certificates` in the
 * options it reads nothing.
 */
export default {
  contract: 1,
  options,
  setup(chosen: Options, host: PluginHost): Parser<'certificate'> {
    const format = FORMATS[chosen.format ?? 'rfc9440']
    const header = chosen.header ?? format.header
    const part: Parser<'certificate'> = {
      method: 'tls_client_auth',
      advertises: [],
      produces: 'certificate',
      ambient: true,
      privateHeaders: [...PRIVATE, ...(chosen.header === undefined ? [] : [chosen.header])],
      parse: () => undefined,
    }
    const isProxy = proxyCheck(chosen)
    if (!isProxy) return part
    const read = reader(format, header.toLowerCase(), host)
    return {
      ...part,
      behindProxy: (request) =>
        isProxy(request.remoteAddress, request.peer) ? read(request.headers) : undefined,
    }
  },
} satisfies ParserPlugin<Options>

type Headers = Readonly<Record<string, string | undefined>>
type Reading = RelayedConnection | Malformed

function reader(
  format: Format,
  header: string,
  { certificates }: PluginHost,
): (headers: Headers) => Reading {
  const known = new LRUCache<string, Reading>({ max: KEPT })
  const read = (value: string, beside: string): Reading => {
    const chain = format.read(value, beside)
    if ('fault' in chain) return malformed(header, chain)
    const [leaf, ...rest] = chain.certificates
    const peer = leaf && certificates.read(leaf, rest)
    return peer ? { peer } : malformed(header, { fault: 'not one certificate of up to 8 KiB' })
  }
  return (headers) => {
    const value = headers[header] ?? ''
    // A proxy that sets the header whether or not there is a certificate.
    if (value === '') return NO_CERTIFICATE
    const beside = (format.chainHeader && headers[format.chainHeader]) ?? ''
    const key = `${value} ${beside}`
    const before = known.get(key)
    if (before) return before
    const reading = read(value, beside)
    known.set(key, reading)
    return reading
  }
}

const NO_CERTIFICATE: RelayedConnection = {}

function malformed(header: string, { fault }: ForwardedChain & { fault: string }): Malformed {
  return {
    malformed: 'forwarded-certificate-malformed',
    got: `${header}: ${fault}`,
    hint: 'see the options format and header of parsers/forwarded-client-certificate',
  }
}
