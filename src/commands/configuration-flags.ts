import { existsSync } from 'node:fs'
import path from 'node:path'

import type { SettingsSource } from '../config/read-settings.ts'
import type { CommandIo } from './command.ts'

/** The flags of every command that reads the configuration, for `util.parseArgs`. */
export const CONFIGURATION_FLAGS = {
  config: { type: 'string', short: 'c' },
  set: { type: 'string', multiple: true },
} as const

/** What `--help` says of them. */
export const CONFIGURATION_HELP = `  -c, --config FILE      the configuration; else $VOUCHGATE_CONFIG, else the first of
                         vouchgate.yaml, config/vouchgate.yaml, /etc/vouchgate/vouchgate.yaml
      --set PATH=VALUE   one setting over file and environment, as listen.port=9443; repeatable`

const PLACES = ['vouchgate.yaml', 'config/vouchgate.yaml', '/etc/vouchgate/vouchgate.yaml']

/** Flags and environment → where the settings come from. */
export function configurationSource(
  flags: { readonly config?: string | undefined; readonly set?: readonly string[] | undefined },
  { env, cwd }: CommandIo,
): SettingsSource {
  const named = flags.config ?? env['VOUCHGATE_CONFIG']
  const places = PLACES.map((place) => path.resolve(cwd, place))
  const file =
    named === undefined ? places.find((place) => existsSync(place)) : path.resolve(cwd, named)
  return {
    file: file ?? path.resolve(cwd, 'vouchgate.yaml'),
    env,
    assignments: flags.set ?? [],
    ...(file === undefined && {
      hint: `nor do ${PLACES.slice(1).join(' and ')}; name one with --config`,
    }),
  }
}
