import { isIP } from 'node:net'
import { checkServerIdentity, createSecureContext } from 'node:tls'
import type { ConnectionOptions, SecureContext, SecureContextOptions } from 'node:tls'

import type { TargetAddress } from './target-address.ts'

/** What TLS with an upstream takes, in PEM. */
export interface TlsMaterial {
  /** Who may vouch for the upstream; absent: those that Node knows. */
  readonly ca?: string | undefined
  /** Our own certificate and its key. */
  readonly certificate?: string | undefined
  readonly key?: string | undefined
  /** The name its certificate has to have; absent: that of the target. */
  readonly serverName?: string | undefined
}

/** Makes the context of all connections to an upstream. @throws OpenSSL's error for what is no certificate or key */
export function tlsContext({ ca, certificate, key }: TlsMaterial): SecureContext {
  const options: SecureContextOptions = { minVersion: 'TLSv1.2' }
  if (ca !== undefined) options.ca = ca
  if (certificate !== undefined) options.cert = certificate
  if (key !== undefined) options.key = key
  return createSecureContext(options)
}

/** What `tls.connect` takes beside host and port. The certificate is always verified. */
export function tlsOptions(
  { host }: TargetAddress,
  serverName: string | undefined,
  secureContext: SecureContext,
): ConnectionOptions {
  const name = serverName ?? host
  return {
    secureContext,
    rejectUnauthorized: true,
    // an address is never sent as a name (RFC 6066 §3)
    servername: isIP(name) === 0 ? name : '',
    checkServerIdentity: (_host, certificate) => checkServerIdentity(name, certificate),
  }
}
