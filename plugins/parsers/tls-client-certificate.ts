import type { Parser, ParserPlugin, PeerCertificate } from '#contract'
import { z } from 'zod'

const options = z
  .strictObject({
    /** Characters. */
    maxIdLength: z.int().min(1).max(4096).default(100),
  })
  .prefault({})

/** The certificate of the TLS handshake (RFC 8705 §2), for the form's client or for whoever is registered with it. */
export default {
  contract: 1,
  options,
  setup: ({ maxIdLength }): Parser<'certificate'> => ({
    method: 'tls_client_auth',
    advertises: ['tls_client_auth', 'self_signed_tls_client_auth'],
    produces: 'certificate',
    ambient: true,
    parse({ form, peer }) {
      if (peer === undefined) return undefined
      const claimedClientId = form.get('client_id')
      if (!claimedClientId) return { kind: 'certificate', peer, lookupKeys: lookupKeys(peer) }
      if (claimedClientId.length > maxIdLength)
        return {
          malformed: 'client-id-too-long',
          got: `${claimedClientId.length} characters`,
          want: `at most ${maxIdLength}`,
        }
      return { kind: 'certificate', peer, claimedClientId }
    },
  }),
} satisfies ParserPlugin<z.infer<typeof options>>

const known = new WeakMap<PeerCertificate, readonly string[]>()

/** Made once for each connection: a certificate may have hundreds of names. */
function lookupKeys(peer: PeerCertificate): readonly string[] {
  const before = known.get(peer)
  if (before) return before
  const keys = [
    `x509-sha1:${peer.thumbprintSha1}`,
    `x509-sha256:${peer.thumbprintSha256}`,
    `x509-spki:${peer.spkiSha256}`,
    `x509-subject:${peer.subject.key}`,
    `x509-issued:${peer.subject.key} by ${peer.issuer.key}`,
    ...peer.subjectAltNames.map(({ key }) => `x509-san:${key}`),
  ]
  known.set(peer, keys)
  return keys
}
