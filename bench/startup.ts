import { execFileSync, spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import { makeDevelopmentFiles } from '../src/commands/demo/development-files.ts'
import { httpsText } from '../src/commands/token-request.ts'
import { median, printTable, rounded } from './support/measure.ts'
import { ROUNDS } from './support/options.ts'
import { cpuOf, end, residentOf } from './support/processes.ts'
import { freePort } from './support/stage.ts'
import { ROOT } from './support/world.ts'

/**
 * How long it takes from the start to the first answer over TLS, and what an idle sidecar takes of memory, with the
 * configuration of the demonstration: a build made anew, without and with what V8 compiled before, and the sources.
 * `node bench/startup.ts [--rounds N]`
 */
const IDLE = 5000
const folder = mkdtempSync(path.join(tmpdir(), 'vouchgate-bench-'))
try {
  execFileSync(process.execPath, [path.join(ROOT, 'build/build.ts'), path.join(folder, 'dist')])
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'))
  cpSync(path.join(ROOT, 'config'), path.join(folder, 'config'), { recursive: true })
  await makeDevelopmentFiles(path.join(folder, 'dev'), new Date())
  const trusted = { ca: readFileSync(path.join(folder, 'dev/ca.crt'), 'utf8') }
  const build = path.join(folder, 'dist/bin/vouchgate.mjs')
  const programs = [
    ['build', build, {}],
    ['build, with a compile cache', build, { NODE_COMPILE_CACHE: path.join(folder, 'cache') }],
    ['sources', path.join(ROOT, 'bin/vouchgate.mjs'), {}],
  ] as const

  const start = async (program: string, env: Readonly<Record<string, string>>, idle: number) => {
    const [port, operations] = [await freePort(), await freePort()]
    const url = `https://localhost:${port}/health`
    const settings = ['--set', `listen.port=${port}`, '--set', `operations.port=${operations}`]
    const file = path.join(folder, 'config/vouchgate.yaml')
    const begun = performance.now()
    const child = spawn(process.execPath, [program, 'serve', '-c', file, ...settings], {
      stdio: 'ignore',
      env: { ...process.env, ...env },
    })
    const pid = child.pid ?? 0
    for (;;) {
      try {
        await httpsText(url, trusted)
        break
      } catch (error) {
        if (child.exitCode !== null) throw error
        await pause(2)
      }
    }
    const took = performance.now() - begun
    const cpu = cpuOf(pid) / 1000
    await pause(idle)
    const resident = residentOf(pid) / 1e6
    await end(child)
    return { took, cpu, resident }
  }

  const seen = new Map(programs.map(([name]) => [name, [] as Awaited<ReturnType<typeof start>>[]]))
  for (const [, program, env] of programs) await start(program, env, 0)
  for (let round = 0; round < ROUNDS; round++) {
    for (const [name, program, env] of programs) {
      seen.get(name)?.push(await start(program, env, IDLE))
      process.stderr.write('.')
    }
  }
  process.stderr.write('\n')
  printTable(
    'Start, configuration of the demonstration',
    [...seen].map(([name, starts]) => ({
      '': name,
      'ms to the first answer': Math.round(median(starts.map(({ took }) => took))),
      'CPU ms': Math.round(median(starts.map(({ cpu }) => cpu))),
      [`MB resident after ${IDLE / 1000} s`]: rounded(
        median(starts.map(({ resident }) => resident)),
      ),
    })),
  )
} finally {
  rmSync(folder, { recursive: true, force: true })
}
