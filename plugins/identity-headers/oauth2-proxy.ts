import type { IdentityHeaders, IdentityHeadersPlugin, PluginHost } from '#contract'

const MAX_ID = 256

/**
 * The headers of oauth2-proxy, as it sets them for an upstream (`X-Forwarded-*`) and for nginx (`X-Auth-Request-*`).
 * User and preferred user name are the client id; the groups are the scopes, joined by commas, with `%2C` for a
 * comma in one. E-mail address and access token are kept from clients and not set. An id over 256 characters is an
 * error.
 */
export default {
  contract: 1,
  setup: (_, { asHeaderValue }: PluginHost): IdentityHeaders => ({
    names: [
      'X-Forwarded-User',
      'X-Forwarded-Preferred-Username',
      'X-Forwarded-Groups',
      'X-Forwarded-Email',
      'X-Forwarded-Access-Token',
      'X-Auth-Request-*',
      'GAP-Auth',
    ],
    headers({ clientId, scopes }) {
      if (clientId.length > MAX_ID) {
        throw new RangeError(`the client id has more than ${MAX_ID} characters`)
      }
      const user = asHeaderValue(clientId)
      const groups = scopes.map((scope) => asHeaderValue(scope).replaceAll(',', '%2C')).join(',')
      return {
        'X-Forwarded-User': user,
        'X-Forwarded-Preferred-Username': user,
        ...(groups && { 'X-Forwarded-Groups': groups }),
        'X-Auth-Request-User': user,
        'X-Auth-Request-Preferred-Username': user,
        ...(groups && { 'X-Auth-Request-Groups': groups }),
      }
    },
  }),
} satisfies IdentityHeadersPlugin
