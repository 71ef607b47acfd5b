import type { IdentityHeaders, IdentityHeadersPlugin, PluginHost, Principal } from '#contract'

const MAX_ID = 256
const MAX_NAME = 200

/**
 * `X-Client-*`. Client id and name are percent-encoded where they are not printable ASCII (`host.asHeaderValue`).
 * An id over 256 characters is an error, a name over 200 is cut.
 */
export default {
  contract: 1,
  setup: (_, { asHeaderValue }: PluginHost): IdentityHeaders => ({
    names: [
      'X-Client-Id',
      'X-Client-Name',
      'X-Client-Scopes',
      'X-Client-Auth-Method',
      'X-Client-Certificate-Thumbprint',
    ],
    headers(principal) {
      const name = asHeaderValue(shorten(principal.clientName ?? ''))
      const scopes = principal.scopes.join(' ')
      const thumbprint = thumbprintOf(principal)
      return {
        'X-Client-Id': asHeaderValue(whole(principal.clientId)),
        ...(name && { 'X-Client-Name': name }),
        ...(scopes && { 'X-Client-Scopes': scopes }),
        'X-Client-Auth-Method': principal.method,
        ...(thumbprint && { 'X-Client-Certificate-Thumbprint': thumbprint }),
      }
    },
  }),
} satisfies IdentityHeadersPlugin

/** Only the certificate that proved the caller or that the token is bound to: any other says nothing about it. */
function thumbprintOf({ peer, confirmation }: Principal): string | undefined {
  return peer && confirmation?.['x5t#S256'] === peer.x5tS256 ? peer.thumbprintSha256 : undefined
}

/** A shortened id would be another client's. */
function whole(id: string): string {
  if (id.length > MAX_ID) throw new RangeError(`the client id has more than ${MAX_ID} characters`)
  return id
}

function shorten(name: string): string {
  return name.length <= MAX_NAME ? name : Array.from(name).slice(0, MAX_NAME).join('').trimEnd()
}
