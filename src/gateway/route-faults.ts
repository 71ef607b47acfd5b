import type { SettingsReading } from '../config/read-settings.ts'
import type { Settings } from '../config/settings-schema.ts'
import type { Fault } from '../errors.ts'
import { checkRoutePattern } from './route-pattern.ts'

/** What is wrong with the rules of `routes`, beyond their form. */
export function routeFaults(
  settings: Settings,
  locate: SettingsReading['locate'],
): readonly Fault[] {
  return settings.routes.flatMap((route, index) => {
    const fault = checkRoutePattern(route.path)
    const at = locate(['routes', index, 'path'])
    return fault === undefined
      ? []
      : [{ at, message: `routes.${index}.path: ${fault}`, severity: 'error' }]
  })
}
