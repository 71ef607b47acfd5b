import type { IdentityHeaders, IdentityHeadersPlugin, PluginHost } from '#contract'

const MAX_ID = 256

/**
 * The headers that Kong sets for an authenticated consumer. Id, custom id, user name and credential are all the client
 * id, because a user name of Kong's is as unique as that and the name of a client need not be. Scopes are joined by
 * blanks. A client is never anonymous. An id over 256 characters is an error.
 */
export default {
  contract: 1,
  setup: (_, { asHeaderValue }: PluginHost): IdentityHeaders => ({
    names: ['X-Consumer-*', 'X-Credential-*', 'X-Authenticated-*', 'X-Anonymous-Consumer'],
    headers({ clientId, scopes }) {
      if (clientId.length > MAX_ID) {
        throw new RangeError(`the client id has more than ${MAX_ID} characters`)
      }
      const id = asHeaderValue(clientId)
      return {
        'X-Consumer-ID': id,
        'X-Consumer-Custom-ID': id,
        'X-Consumer-Username': id,
        'X-Credential-Identifier': id,
        ...(scopes.length > 0 && { 'X-Authenticated-Scope': scopes.join(' ') }),
      }
    },
  }),
} satisfies IdentityHeadersPlugin
