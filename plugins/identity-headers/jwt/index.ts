import type { IdentityHeaders, IdentityHeadersPlugin, PluginHost } from '#contract'
import { z } from 'zod'

import { assertions } from './assertions.ts'

const DEFAULT_HEADER = 'X-Vouchgate-Assertion'

const options = z
  .strictObject({
    /** In `Authorization` it stands behind `Bearer`. */
    header: z
      .string()
      .regex(/^[A-Za-z][A-Za-z0-9-]{0,63}$/, 'is not a header name')
      .default(DEFAULT_HEADER),
    /** `aud`; absent: the origin of the upstream. */
    audience: z.union([z.string().min(1), z.array(z.string().min(1)).min(1)]).optional(),
    /** Seconds that an assertion lives. */
    lifetime: z.int().min(5).max(300).default(60),
    /** Seconds that an assertion is sent again with a like request. Its `jti` comes several times then. */
    reuse: z.int().min(0).max(60).default(0),
  })
  .refine(({ lifetime, reuse }) => reuse <= lifetime / 2, {
    message: 'must be at most half of lifetime',
    path: ['reuse'],
  })
  .prefault({})

/**
 * A signed JWT that says who calls, for one upstream, one method and one path, for a minute; see `assertions` for its
 * claims. The upstream checks it with the JWKS of the issuer, without asking anybody.
 */
export default {
  contract: 1,
  options,
  setup({ header, ...rules }, { signer }: PluginHost): IdentityHeaders {
    const names = header.toLowerCase() === DEFAULT_HEADER.toLowerCase() ? [] : [DEFAULT_HEADER]
    const scheme = header.toLowerCase() === 'authorization' ? 'Bearer ' : ''
    const assertion = assertions(rules, signer, Date.now)
    return {
      names: [header, ...names],
      headers: (principal, request) => ({ [header]: scheme + assertion(principal, request) }),
    }
  },
} satisfies IdentityHeadersPlugin<z.infer<typeof options>>
