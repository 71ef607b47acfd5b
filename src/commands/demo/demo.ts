import { once } from 'node:events'
import { cpSync, existsSync } from 'node:fs'
import type { AddressInfo } from 'node:net'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { parseArgs } from 'node:util'

import type { Command } from '../command.ts'
import { EXIT } from '../command.ts'
import { runSidecar } from '../serve.ts'
import { makeDevelopmentFiles } from './development-files.ts'
import { echoUpstream } from './echo-upstream.ts'
import { shellWord, waysIn } from './ways-in.ts'

const ROOT = fileURLToPath(new URL('../../..', import.meta.url))

/** Runs the sidecar with development certificates in front of a small API of its own. */
export const demo: Command = {
  name: 'demo',
  summary: 'run a demonstration: the sidecar, an API, and commands to paste',
  usage: `Usage: vouchgate demo [options]

Makes development certificates under dev/, runs a small API, runs the sidecar with the
configuration in config/ in front of it, and shows one command for each way in.
For trying things out on one machine only.

      --folder DIR         where dev/, data/ and config/ are; a copy of our config/ is put
                           there when it has none (the folder of this program)
      --port N             of the sidecar (8443)
      --upstream-port N    of the small API (8080)
      --operations-port N  of /livez, /readyz and /metrics (9090)
  -h, --help               this text
`,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: {
        folder: { type: 'string', default: ROOT },
        port: { type: 'string', default: '8443' },
        'upstream-port': { type: 'string', default: '8080' },
        'operations-port': { type: 'string', default: '9090' },
      },
      strict: true,
    })
    const { folder: named, ...ports } = values
    for (const [flag, value] of Object.entries(ports)) {
      const least = flag === 'port' ? 1 : 0
      if (/^\d{1,5}$/.test(value) && Number(value) >= least && Number(value) < 65_536) continue
      io.stderr.write(`vouchgate demo: --${flag} ${value} is no port\n`)
      return EXIT.usage
    }
    const folder = path.resolve(io.cwd, named)
    const config = path.join(folder, 'config')
    if (!existsSync(config)) cpSync(path.join(ROOT, 'config'), config, { recursive: true })
    const dev = path.join(folder, 'dev')
    if (await makeDevelopmentFiles(dev, io.now())) {
      io.stdout.write(`Made development certificates, keys and a secret in ${dev}\n`)
    }
    const upstream = echoUpstream()
    upstream.listen(Number(values['upstream-port']), '127.0.0.1')
    try {
      await once(upstream, 'listening')
    } catch {
      io.stderr.write(
        `vouchgate demo: port ${values['upstream-port']} is in use by another program; ` +
          `choose another one with --upstream-port\n`,
      )
      return EXIT.failure
    }
    const { port: upstreamPort } = upstream.address() as AddressInfo
    const source = {
      file: path.join(config, 'vouchgate.yaml'),
      env: io.env,
      assignments: [
        // What is refused shows; that all is well does not bury the commands.
        'log.level=warn',
        `listen.port=${values.port}`,
        `issuer=https://localhost:${values.port}`,
        `operations.port=${values['operations-port']}`,
        `upstream=http://127.0.0.1:${upstreamPort}`,
      ],
    }
    const code = await runSidecar(io, {
      source,
      watch: true,
      portFlags: '--port and --operations-port',
      onReady({ port }) {
        const ways = waysIn({
          base: `https://localhost:${port}`,
          dev: path.relative(io.cwd, dev) || '.',
          program: programFrom(io.cwd),
        })
        const text = ways.map(({ title, command }) => `# ${title}\n${command}\n`).join('\n')
        io.stdout.write(`\nVouchgate is running. In another terminal, in this folder:\n\n${text}\n`)
      },
    })
    upstream.close()
    return code
  },
}

// Anywhere else npx would look for a package of our name and run what it finds.
function programFrom(cwd: string): string {
  if (path.relative(cwd, ROOT) === '') return 'npx vouchgate'
  return [process.execPath, path.join(ROOT, 'bin/vouchgate.mjs')].map(shellWord).join(' ')
}
