import type { SettingsReading } from '../config/read-settings.ts'
import type { Settings } from '../config/settings-schema.ts'
import type { Fault } from '../errors.ts'
import type { Plugins } from '../plugin-host/load-plugins.ts'
import { ownedNameFaults } from './owned-name-faults.ts'

/** The plugins that `identity.headers` names, in its order, and what is wrong with the names. */
export function chooseIdentityHeaders(
  plugins: Plugins,
  settings: Settings,
  locate: SettingsReading['locate'],
) {
  const all = plugins.of('identity-headers')
  const faults: Fault[] = [...ownedNameFaults(plugins)]
  const chosen = settings.identity.headers.flatMap((name, index) => {
    const plugin = all.find((one) => one.name === name)
    if (plugin) return [plugin]
    const known = all.map((one) => one.name).join(', ')
    const message = `identity.headers.${index}: there is no plugin identity-headers/${name}; there is ${known}`
    faults.push({ at: locate(['identity', 'headers', index]), message, severity: 'error' })
    return []
  })
  return { chosen, faults }
}
