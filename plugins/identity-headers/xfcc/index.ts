import type { IdentityHeaders, IdentityHeadersPlugin } from '#contract'
import { z } from 'zod'

import { forwardedClientCert } from './forwarded-client-cert.ts'

const options = z
  .strictObject({
    /** The whole certificate too (`Cert`), PEM, percent-encoded. */
    certificate: z.boolean().default(false),
  })
  .prefault({})

/**
 * Envoy's `X-Forwarded-Client-Cert`, one element, for the certificate that proved the caller or that its token is bound
 * to; any other certificate of the connection is not told.
 */
export default {
  contract: 1,
  options,
  setup: ({ certificate }): IdentityHeaders => ({
    names: ['X-Forwarded-Client-Cert'],
    headers({ peer, confirmation }) {
      if (!peer || confirmation?.['x5t#S256'] !== peer.x5tS256) return {}
      return { 'X-Forwarded-Client-Cert': forwardedClientCert(peer, certificate) }
    },
  }),
} satisfies IdentityHeadersPlugin<z.infer<typeof options>>
