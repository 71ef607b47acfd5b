import type { Plugins } from '../plugin-host/load-plugins.ts'
import { ownedNames, type OwnedNames } from './owned-names.ts'

/** The one name that the gateway itself sets, on every route. */
const OURS = { names: ['X-Request-Id'] }

/**
 * The names that only we say to the upstream: the gateway's, those of every identity header plugin, in use or not, and
 * the headers that parsers keep for themselves.
 * @throws TypeError for a name that `ownedNameFaults` finds fault with
 */
export function gatewayNames(plugins: Plugins): OwnedNames {
  return ownedNames([
    OURS,
    ...plugins.of('identity-headers').map(({ part }) => part),
    ...plugins.of('parsers').map(({ part }) => ({ names: part.privateHeaders ?? [] })),
  ])
}
