import { parseArgs } from 'node:util'

import { begin } from '../begin.ts'
import type { Beginning, Service } from '../begin.ts'
import type { SettingsSource } from '../config/read-settings.ts'
import { ConfigError } from '../errors.ts'
import { createLog } from '../operations/log.ts'
import { builtInPlugins } from './built-in-plugins.ts'
import type { Command, CommandIo } from './command.ts'
import {
  CONFIGURATION_FLAGS,
  CONFIGURATION_HELP,
  configurationSource,
} from './configuration-flags.ts'
import { printFaults } from './print-faults.ts'
import { version } from './version.ts'

/** Runs the sidecar until it is told to stop. */
export const serve: Command = {
  name: 'serve',
  summary: 'run the sidecar (the default)',
  usage: `Usage: vouchgate [serve] [options]

Runs the sidecar until SIGTERM or SIGINT; a second one ends it at once.
SIGHUP, or a change of a configuration file, loads everything anew: what is sound is
swapped in, what is not is reported and the old configuration goes on serving.

${CONFIGURATION_HELP}
      --no-watch         do not reload when files change
      --log-level LEVEL  debug, info, warn, error or silent
  -h, --help             this text

Exit code: 0 stopped and drained, 1 failure or requests cut off, 2 bad configuration.
`,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        ...CONFIGURATION_FLAGS,
        'no-watch': { type: 'boolean' },
        'log-level': { type: 'string' },
      },
      strict: true,
    })
    const level = values['log-level']
    const set = [...(values.set ?? []), ...(level === undefined ? [] : [`log.level=${level}`])]
    return runSidecar(io, {
      source: configurationSource({ ...values, set }, io),
      watch: values['no-watch'] !== true,
      portFlags: '--set listen.port=… or --set operations.port=…',
    })
  },
}

export interface SidecarRun {
  readonly source: SettingsSource
  /** Reload when a file changes. */
  readonly watch: boolean
  /** How to choose other ports, for who finds one taken. */
  readonly portFlags: string
  /** Called once it listens. */
  readonly onReady?: (service: Service) => void
}

/** Runs a sidecar until a signal ends it. @returns the exit code */
export async function runSidecar(io: CommandIo, run: SidecarRun): Promise<number> {
  // First of all: as process 1 of a container Node has no default handlers for signals.
  const signals = listenForSignals()
  const log = createLog('info')
  let service: Service
  try {
    const beginning = await begin({
      source: run.source,
      builtIn: builtInPlugins,
      cwd: io.cwd,
      log,
      version,
      watch: run.watch,
    })
    service = await open(beginning)
  } catch (error) {
    return report(error, io, run.portFlags)
  }
  log.info({ port: service.port, operationsPort: service.operationsPort }, 'listening')
  run.onReady?.(service)
  signals.onReload(() => void service.reload())
  await signals.stop
  log.info('stopping')
  return (await service.stop()) ? 0 : 1
}

// Loaded when needed: a primary serves nothing itself.
async function open(beginning: Beginning): Promise<Service> {
  return beginning.first.settings.workers === 1
    ? (await import('../boot.ts')).bootHere(beginning)
    : (await import('../workers/boot-workers.ts')).bootWorkers(beginning)
}

// Ctrl-C reaches every process of a terminal, and npm or our own launcher may hand on what they received as well.
const SAME_SIGNAL = 500

function listenForSignals() {
  const { promise: stop, resolve } = Promise.withResolvers<void>()
  let reload = () => undefined as void
  let stoppingSince: number | undefined
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    process.on(signal, () => {
      const now = performance.now()
      if (stoppingSince !== undefined && now - stoppingSince > SAME_SIGNAL) process.exit(1)
      stoppingSince ??= now
      resolve()
    })
  }
  process.on('SIGHUP', () => {
    reload()
  })
  return {
    stop,
    onReload(action: () => void) {
      reload = action
    },
  }
}

function report(error: unknown, io: CommandIo, portFlags: string): number {
  if (error instanceof ConfigError) {
    printFaults(error.faults, io)
    io.stderr.write('vouchgate: not started; "vouchgate check" says the same without starting\n')
    return 2
  }
  const { code, port, address, message } = error as NodeJS.ErrnoException & {
    port?: number
    address?: string
  }
  if (code === 'EADDRINUSE') {
    io.stderr.write(
      `vouchgate: ${address}:${port} is in use by another program; ` +
        `stop it, or choose another port with ${portFlags}\n`,
    )
  } else if (code === 'EACCES' && port !== undefined) {
    io.stderr.write(`vouchgate: no right to listen on ${address}:${port}; take a port above 1023\n`)
  } else {
    io.stderr.write(`vouchgate: ${message}\n`)
  }
  return 1
}
