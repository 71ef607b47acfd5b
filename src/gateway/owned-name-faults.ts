import type { Fault } from '../errors.ts'
import type { Plugins } from '../plugin-host/load-plugins.ts'
import type { PluginFile } from '../plugin-host/discover.ts'
import { checkOwnedName, foldHeaderName } from './owned-names.ts'

/** What is wrong with the header names that plugins keep for themselves. */
export function ownedNameFaults(plugins: Plugins): readonly Fault[] {
  const faultsOf = ({ id, file }: PluginFile, names: readonly string[]): Fault[] =>
    names.flatMap((name) => {
      const fault =
        foldHeaderName(name) === 'x-request-id' ? 'belongs to the gateway' : checkOwnedName(name)
      const message = `plugin ${id}: header name ${name} ${fault}`
      return fault === undefined ? [] : [{ at: file, message, severity: 'error' }]
    })
  return [
    ...plugins.of('identity-headers').flatMap((plugin) => faultsOf(plugin, plugin.part.names)),
    ...plugins
      .of('parsers')
      .flatMap((plugin) => faultsOf(plugin, plugin.part.privateHeaders ?? [])),
  ]
}
