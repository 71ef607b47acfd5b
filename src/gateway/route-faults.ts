import type { SettingsReading } from '../config/read-settings.ts'
import type { Settings } from '../config/settings-schema.ts'
import type { Fault } from '../errors.ts'
import type { Plugins } from '../plugin-host/load-plugins.ts'
import { gatewayNames } from './gateway-names.ts'
import { ownedNameFaults } from './owned-name-faults.ts'
import { ownedNames } from './owned-names.ts'
import { rewriteFaults } from './rewrite/rewrite-faults.ts'
import { checkRoutePattern } from './route-pattern.ts'

/** What is wrong with the rules of `routes`, beyond their form. */
export function routeFaults(
  settings: Settings,
  plugins: Plugins,
  locate: SettingsReading['locate'],
): readonly Fault[] {
  const { ignoreCase } = settings.paths
  // A plugin with a name that cannot be owned is a fault of its own.
  const owned = ownedNameFaults(plugins).length > 0 ? ownedNames([]) : gatewayNames(plugins)
  return settings.routes.flatMap(({ path: pattern, rewrite }, index) => {
    const fault = checkRoutePattern(pattern)
    const faults =
      fault !== undefined
        ? [{ path: ['path'], message: fault }]
        : rewrite === undefined
          ? []
          : rewriteFaults(rewrite, { pattern, ignoreCase, owned }).map(({ path, message }) => ({
              path: ['rewrite', ...path],
              message,
            }))
    return faults.map(({ path, message }): Fault => {
      const full = ['routes', index, ...path]
      return {
        at: locate(full),
        message: `${full.map(String).join('.')}: ${message}`,
        severity: 'error',
      }
    })
  })
}
