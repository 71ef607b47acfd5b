import type { Malformed, Parser, ParserPlugin } from '#contract'
import { z } from 'zod'

const limit = z.int().min(1).max(4096)
const options = z
  .strictObject({
    /** Characters. */
    maxIdLength: limit.default(100),
    /** Characters. */
    maxSecretLength: limit.default(100),
  })
  .prefault({})

/** Client id and secret as form fields (RFC 6749 §2.3.1). */
export default {
  contract: 1,
  options,
  setup: ({ maxIdLength, maxSecretLength }): Parser<'shared_secret'> => ({
    method: 'client_secret_post',
    produces: 'shared_secret',
    parse({ purpose, form }) {
      const secret = form.get('client_secret')
      // An empty parameter counts as absent (RFC 6749 §3.2).
      if (purpose === 'api' || !secret) return undefined
      const claimedClientId = form.get('client_id')
      if (!claimedClientId)
        return { malformed: 'post-without-client-id', want: 'client_id beside client_secret' }
      return (
        unfit('id', claimedClientId, maxIdLength) ??
        unfit('secret', secret, maxSecretLength) ?? {
          kind: 'shared_secret',
          claimedClientId,
          secret,
        }
      )
    },
  }),
} satisfies ParserPlugin<z.infer<typeof options>>

function unfit(what: string, text: string, most: number): Malformed | undefined {
  if (text.length > most)
    return {
      malformed: `post-${what}-too-long`,
      got: `${text.length} characters`,
      want: `at most ${most}`,
    }
  return /\p{Cc}/u.test(text) ? { malformed: 'post-control-characters' } : undefined
}
