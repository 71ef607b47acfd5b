import type { IdentityHeaders, IdentityHeadersPlugin } from '#contract'

/** What base64 and two colons make 8190 characters of. */
const MAX_BYTES = 6141

/**
 * `Client-Cert` (RFC 9440 §2.2): the certificate that proved the caller or that its token is bound to, DER in base64
 * between colons. Any other certificate of the connection is not told. `Client-Cert-Chain` is kept from clients and
 * not set. A certificate over 6141 bytes is an error.
 */
export default {
  contract: 1,
  setup: (): IdentityHeaders => ({
    names: ['Client-Cert', 'Client-Cert-Chain'],
    headers({ peer, confirmation }) {
      if (!peer || confirmation?.['x5t#S256'] !== peer.x5tS256) return {}
      const { raw } = peer
      if (raw.length > MAX_BYTES) {
        throw new RangeError(`the certificate has more than ${MAX_BYTES} bytes`)
      }
      return { 'Client-Cert': `:${Buffer.from(raw).toString('base64')}:` }
    },
  }),
} satisfies IdentityHeadersPlugin
