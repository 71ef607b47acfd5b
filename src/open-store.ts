import type { StateStore } from '#contract'

import { ConfigError } from './errors.ts'
import { warnOfLocalState } from './operations/log-configuration.ts'
import type { Log } from './operations/log.ts'
import type { Prepared } from './prepare.ts'

/** Opens the state store that the configuration names. @throws ConfigError when it cannot be used */
export async function openStore({ plugins, state }: Prepared, log: Log): Promise<StateStore> {
  const opened = await plugins.use(state)
  if ('message' in opened) throw new ConfigError([opened])
  warnOfLocalState(log, opened)
  return opened.part
}
