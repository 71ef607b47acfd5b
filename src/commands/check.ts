import { parseArgs } from 'node:util'

import { shownPath } from '../config/shown-path.ts'
import { prepare } from '../prepare.ts'
import { builtInPlugins } from './built-in-plugins.ts'
import type { Command } from './command.ts'
import {
  CONFIGURATION_FLAGS,
  CONFIGURATION_HELP,
  configurationSource,
} from './configuration-flags.ts'
import { printFaults } from './print-faults.ts'

/** Validates everything that `serve` would load, and says all that is wrong at once. */
export const check: Command = {
  name: 'check',
  summary: 'validate configuration, clients, plugins and certificates',
  usage: `Usage: vouchgate check [options]

Validates configuration, clients, plugins and certificates exactly as "serve" does,
and prints every fault as file:line:column. Opens no port and writes nothing.

${CONFIGURATION_HELP}
  -h, --help             this text

Exit code: 0 all is well (notes may be printed), 2 something is wrong.
`,
  async run(args, io) {
    const { values } = parseArgs({ args: [...args], options: CONFIGURATION_FLAGS, strict: true })
    const source = configurationSource(values, io)
    const { prepared, faults } = await prepare({
      source,
      builtIn: builtInPlugins,
      cwd: io.cwd,
      now: io.now(),
      log: {
        info: () => undefined,
        warn: (message) => io.stderr.write(`note: ${message}\n`),
      },
    })
    printFaults(faults, io)
    const shown = shownPath(source.file, io.cwd)
    const wrong = faults.filter(({ severity }) => severity !== 'note').length
    if (!prepared || wrong > 0) {
      io.stderr.write(`${shown}: ${count(wrong, 'fault')}\n`)
      return 2
    }
    const { clients, plugins } = prepared
    io.stdout.write(
      `${shown}: ok, ${count(clients.length, 'client')}, ${count(plugins.all.length, 'plugin')}\n`,
    )
    return 0
  },
}

function count(many: number, what: string): string {
  return `${many} ${what}${many === 1 ? '' : 's'}`
}
