import type { IdentityHeaders, IdentityHeadersPlugin, PluginHost } from '#contract'
import { z } from 'zod'

const MAX_ID = 256
const text = z.string().regex(/^[\x21-\x7e]{1,128}$/, 'is not 1 to 128 characters of visible ASCII')

const options = z
  .strictObject({
    /** Put before the client id: `client:`. */
    userPrefix: z.union([z.literal(''), text]).default(''),
    /** Groups of every client. */
    groups: z.array(text).max(32).default([]),
    /** Each scope is a group too, with this before: `scope:`. Absent: scopes are no groups. */
    scopeGroupPrefix: z.union([z.literal(''), text]).optional(),
  })
  .prefault({})

/**
 * The headers of an authenticating proxy before a Kubernetes API server, and of kube-rbac-proxy: `X-Remote-User` is the
 * client id, `X-Remote-Group` and `X-Remote-Extra-Scope` come once for each group and scope. An id over 256 characters
 * is an error.
 */
export default {
  contract: 1,
  options,
  setup: (
    { userPrefix, groups, scopeGroupPrefix },
    { asHeaderValue }: PluginHost,
  ): IdentityHeaders => ({
    names: [
      'X-Remote-User',
      'X-Remote-Uid',
      'X-Remote-Group',
      'X-Remote-Groups',
      'X-Remote-Extra-*',
    ],
    headers({ clientId, scopes }) {
      if (clientId.length > MAX_ID) {
        throw new RangeError(`the client id has more than ${MAX_ID} characters`)
      }
      const more =
        scopeGroupPrefix === undefined ? [] : scopes.map((scope) => scopeGroupPrefix + scope)
      const all = [...new Set([...groups, ...more])]
      return {
        'X-Remote-User': asHeaderValue(userPrefix + clientId),
        ...(all.length > 0 && { 'X-Remote-Group': all }),
        ...(scopes.length > 0 && { 'X-Remote-Extra-Scope': scopes }),
      }
    },
  }),
} satisfies IdentityHeadersPlugin<z.infer<typeof options>>
