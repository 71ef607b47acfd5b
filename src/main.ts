import type { Command, CommandIo } from './commands/command.ts'
import { version } from './commands/version.ts'
import { WORKER_ARGUMENT } from './workers/worker-argument.ts'

// Loaded when asked for: hashing a secret needs nothing of what serving needs.
const COMMANDS = new Map<string, () => Promise<Command>>([
  ['serve', async () => (await import('./commands/serve.ts')).serve],
  ['check', async () => (await import('./commands/check.ts')).check],
  ['hash-secret', async () => (await import('./commands/hash-secret.ts')).hashSecret],
  ['certificate', async () => (await import('./commands/certificate.ts')).certificate],
  ['token', async () => (await import('./commands/token.ts')).token],
  ['schema', async () => (await import('./commands/schema.ts')).schema],
  ['demo', async () => (await import('./commands/demo/demo.ts')).demo],
])

async function help(): Promise<string> {
  const commands = await Promise.all([...COMMANDS.values()].map((load) => load()))
  return `Usage: vouchgate [command] [options]

A sidecar that terminates TLS, makes every machine client prove who it is, and hands
the request on to the API with headers it can trust.

Commands:
${commands.map(({ name, summary }) => `  ${name.padEnd(14)} ${summary}`).join('\n')}

  vouchgate COMMAND --help   says more
  vouchgate --version
`
}

/** @returns the exit code: 0 done, 1 failed, 2 bad usage or bad configuration */
export async function main(argv: readonly string[], io: CommandIo): Promise<number> {
  const [first, ...rest] = argv
  if (first === '--version' || first === '-v') {
    io.stdout.write(`vouchgate ${version} (node ${process.version})\n`)
    return 0
  }
  if (first === '--help' || first === '-h' || first === 'help') {
    io.stdout.write(await help())
    return 0
  }
  if (first === WORKER_ARGUMENT) {
    const code = await (await import('./workers/run-worker.ts')).runWorker()
    if (code !== undefined) return code
  }
  const named = first !== undefined && !first.startsWith('-')
  const load = COMMANDS.get(named ? first : 'serve')
  if (!load) {
    io.stderr.write(`vouchgate: there is no command "${first}"\n\n${await help()}`)
    return 2
  }
  const command = await load()
  const args = named ? rest : argv
  if (args.includes('--help') || args.includes('-h')) {
    io.stdout.write(command.usage)
    return 0
  }
  try {
    return await command.run(args, io)
  } catch (error) {
    const isUsage = String(Reflect.get(Object(error), 'code')).startsWith('ERR_PARSE_ARGS')
    const message = error instanceof Error ? error.message : String(error)
    io.stderr.write(`vouchgate ${command.name}: ${message}\n`)
    if (isUsage) io.stderr.write(`\n${command.usage}`)
    else if (isOurMistake(error)) io.stderr.write(`${error.stack}\n`)
    return isUsage ? 2 : 1
  }
}

// What was foreseen is thrown with a sentence that is enough; a stack is for those who mend the program.
function isOurMistake(error: unknown): error is Error {
  return (
    error instanceof TypeError || error instanceof RangeError || error instanceof ReferenceError
  )
}
