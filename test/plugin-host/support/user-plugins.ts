/**
 * What somebody may put into a mounted folder: a way in of their own, by a key in a header of its own, of a
 * kind of credential and a type of secret of its own. Written as a user would, not as we do.
 */
export const API_KEY_TYPESCRIPT: Readonly<Record<string, string>> = {
  'parsers/api-key.ts': `import type { Parser, ParserPlugin } from '#contract'

declare module '#contract' {
  interface CredentialKinds {
    api_key: { readonly key: string }
  }
}

const FORM = /^([a-z0-9-]{1,100}):([\\x21-\\x7e]{16,200})$/

export default {
  contract: 1,
  setup(): Parser<'api_key'> {
    return {
      method: 'api_key',
      produces: 'api_key',
      parse({ headers }) {
        const header = headers['x-api-key']
        if (header === undefined) return undefined
        const [, claimedClientId, key] = FORM.exec(header) ?? []
        if (!claimedClientId || !key) return { malformed: 'api-key-malformed', want: 'client:key' }
        return { kind: 'api_key', claimedClientId, key }
      },
    }
  },
} satisfies ParserPlugin
`,
  'validators/api-key/index.ts': `import type { Validator, ValidatorPlugin } from '#contract'
import { digest } from './digest.ts'
import type {} from '../../parsers/api-key.ts'

export default {
  contract: 1,
  setup(): Validator<'api_key'> {
    return {
      accepts: 'api_key',
      secretTypes: ['ApiKeyDigest'],
      secretProperties: ['audience'],
      inspect: ({ value }) => (/^[0-9a-f]{64}$/.test(value) ? {} : { fault: 'is no digest' }),
      async validate({ credential, secrets }) {
        const presented = digest(credential.key)
        const secret = secrets.find(({ value }) => value === presented)
        return secret ? { ok: true, secret } : { ok: false, reason: 'api-key-unknown' }
      },
    }
  },
} satisfies ValidatorPlugin
`,
  'validators/api-key/digest.ts': `import { hash } from 'node:crypto'

export function digest(text: string): string {
  return hash('sha256', text)
}
`,
  'identity-headers/team.ts': `import type { IdentityHeaders, IdentityHeadersPlugin } from '#contract'

export default {
  contract: 1,
  setup: (): IdentityHeaders => ({
    names: ['X-Team', 'X-Team-*'],
    headers: ({ clientId, scopes }, { method }) => ({
      'X-Team': encodeURIComponent(clientId),
      'X-Team-May': [method, ...scopes].join(' '),
    }),
  }),
} satisfies IdentityHeadersPlugin
`,
  'client-stores/inventory.ts': `import type { ClientStore, ClientStorePlugin } from '#contract'

const MACHINES = ['press', 'lathe']

export default {
  contract: 1,
  setup: (_, host): ClientStore => ({
    async load() {
      host.log.info('asked the inventory')
      const definitions = MACHINES.map((machine, row) => ({
        value: {
          clientId: machine + '-1',
          allowedScopes: ['read'],
          clientSecrets: [{ type: 'ApiKeyDigest', value: { env: machine.toUpperCase() + '_DIGEST' } }],
        },
        locate: (path: readonly PropertyKey[]) => ['inventory row ' + (row + 1), ...path].join('.'),
      }))
      return { definitions, faults: [] }
    },
  }),
} satisfies ClientStorePlugin
`,
}

/** The same with the types left out. */
export const API_KEY_JAVASCRIPT: Readonly<Record<string, string>> = {
  'parsers/api-key.js': `const FORM = /^([a-z0-9-]{1,100}):([\\x21-\\x7e]{16,200})$/

export default {
  contract: 1,
  setup: () => ({
    method: 'api_key',
    produces: 'api_key',
    parse({ headers }) {
      const header = headers['x-api-key']
      if (header === undefined) return undefined
      const match = FORM.exec(header)
      if (!match) return { malformed: 'api-key-malformed', want: 'client:key' }
      return { kind: 'api_key', claimedClientId: match[1], key: match[2] }
    },
  }),
}
`,
  'validators/api-key/index.mjs': `import { digest } from './digest.mjs'

export default {
  contract: 1,
  setup: () => ({
    accepts: 'api_key',
    secretTypes: ['ApiKeyDigest'],
    secretProperties: ['audience'],
    inspect: ({ value }) => (/^[0-9a-f]{64}$/.test(value) ? {} : { fault: 'is no digest' }),
    async validate({ credential, secrets }) {
      const presented = digest(credential.key)
      const secret = secrets.find(({ value }) => value === presented)
      return secret ? { ok: true, secret } : { ok: false, reason: 'api-key-unknown' }
    },
  }),
}
`,
  'validators/api-key/digest.mjs': `import { createHash } from 'node:crypto'

export const digest = (text) => createHash('sha256').update(text).digest('hex')
`,
  'identity-headers/team.js': `module.exports = {
  contract: 1,
  setup: () => ({
    names: ['X-Team', 'X-Team-*'],
    headers: ({ clientId, scopes }, { method }) => ({
      'X-Team': encodeURIComponent(clientId),
      'X-Team-May': [method, ...scopes].join(' '),
    }),
  }),
}
`,
  'client-stores/inventory.js': `export default {
  contract: 1,
  setup: (_, host) => ({
    load: () => {
      host.log.info('asked the inventory')
      const definitions = ['press', 'lathe'].map((machine, row) => ({
        value: {
          clientId: machine + '-1',
          allowedScopes: ['read'],
          clientSecrets: [{ type: 'ApiKeyDigest', value: { env: machine.toUpperCase() + '_DIGEST' } }],
        },
        locate: (path) => ['inventory row ' + (row + 1), ...path].join('.'),
      }))
      return Promise.resolve({ definitions, faults: [] })
    },
  }),
}
`,
}
