import { issuersSchema } from '../../../src/config/issuers-schema.ts'
import { openIssuers } from '../../../src/introspection/issuers/open-issuers.ts'
import type { OpenIssuer } from '../../../src/introspection/issuers/open-issuers.ts'
import type { Ending } from '../../support/recording-upstream.ts'

export interface OpenedIssuer extends OpenIssuer {
  /** `introspection answered`, `jwks failed` … */
  readonly calls: readonly string[]
  /** `unavailable: why`, `available`. */
  readonly changes: readonly string[]
  /** The clock that only goes forward goes on. */
  pass(milliseconds: number): void
}

const CREDENTIALS = { clientId: 'gate', secret: { env: 'SECRET' } }

/** Opens one issuer by settings as they stand in a file; by introspection, when nothing is said. */
export async function openIssuer(
  t: Ending,
  issuer: string,
  { introspection, ...settings }: Readonly<Record<string, unknown>> = {},
): Promise<OpenedIssuer> {
  const asking = settings['jwks']
    ? {}
    : { introspection: { ...CREDENTIALS, ...(introspection as object) } }
  const given = {
    issuer,
    clients: { remote: 'orders' },
    insecure: true,
    timeout: '20s',
    ...asking,
    ...settings,
  }
  const parsed = issuersSchema({ folder: '.', env: { SECRET: 's&cret' } }).parse([given])
  let present = 1000
  const calls: string[] = []
  const changes: string[] = []
  const issuers = openIssuers(parsed, {
    clock: () => present,
    onCall: (_, what, ok) => calls.push(`${what} ${ok ? 'answered' : 'failed'}`),
    onChange: (_, isThere, why) => changes.push(isThere ? 'available' : `unavailable: ${why}`),
  })
  t.teardown(() => issuers.close())
  const [opened] = issuers.all
  if (!opened) throw new Error('there is no issuer')
  const pass = (milliseconds: number) => void (present += milliseconds)
  return { ...opened, calls, changes, pass }
}
