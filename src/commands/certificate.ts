import { open } from 'node:fs/promises'
import path from 'node:path'
import { parseArgs } from 'node:util'

import { describeCertificate } from '../certificates/describe-certificate.ts'
import { certificateReport } from './certificate-report.ts'
import { EXIT } from './command.ts'
import type { Command, CommandIo } from './command.ts'

const usage = `Usage: vouchgate certificate [--json] FILE

Shows what a certificate is called and how to register it: thumbprints, names in
every notation, validity, warnings, and clientSecrets entries ready to paste.

FILE is PEM, DER, or DER in base64; - reads standard input. Of several
certificates the first is shown.

Options:
  --json   print JSON instead
  --help   print this
`

/** `vouchgate certificate FILE`. */
export const certificate: Command = {
  name: 'certificate',
  summary: 'show what a certificate is called and how to register it',
  usage,
  async run(args, io) {
    const request = parse(args)
    if (typeof request === 'string') {
      io.stderr.write(`vouchgate certificate: ${request}\n\n${usage}`)
      return EXIT.usage
    }
    if (request.help) {
      io.stdout.write(usage)
      return EXIT.ok
    }
    return show(request.file, request.json, io)
  },
}

interface Request {
  readonly help: boolean
  readonly json: boolean
  readonly file: string
}

/** @returns what is asked for, or what is wrong with the arguments */
function parse(args: readonly string[]): Request | string {
  try {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: { json: { type: 'boolean' }, help: { type: 'boolean', short: 'h' } },
      allowPositionals: true,
    })
    const { json = false, help = false } = values
    const [file, second] = positionals
    if (help) return { help, json, file: '' }
    if (file === undefined) return 'which file? Name a certificate'
    return second === undefined ? { help, json, file } : 'one file at a time, please'
  } catch (error) {
    return (error as Error).message
  }
}

async function show(file: string, json: boolean, io: CommandIo): Promise<number> {
  const shown = file === '-' ? 'standard input' : file
  const bytes = await read(file, io)
  if (typeof bytes === 'string') return fail(io, shown, bytes)
  const now = io.now()
  const description = describeCertificate(bytes, now)
  if (!description.ok) return fail(io, shown, `${description.fault}; ${description.advice}`)
  const text = json
    ? `${JSON.stringify({ ...description, ok: undefined }, undefined, 2)}\n`
    : certificateReport(description, now)
  io.stdout.write(text)
  return EXIT.ok
}

function fail(io: CommandIo, shown: string, message: string): number {
  io.stderr.write(`vouchgate certificate: ${shown} ${message}\n`)
  return EXIT.failure
}

// One more than is accepted, so that a larger file is seen to be larger.
const MAX_BYTES = 1024 * 1024 + 1

const FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  EACCES: 'may not be read by this user',
  EISDIR: 'is a folder; name a file in it',
}

/** @returns the bytes, or why there are none */
async function read(file: string, io: CommandIo): Promise<Buffer | string> {
  if (file === '-') return readStream(io.stdin)
  try {
    await using handle = await open(path.resolve(io.cwd, file))
    return await readStream(handle.createReadStream({ end: MAX_BYTES - 1 }))
  } catch (error) {
    const { code = 'unknown error' } = error as NodeJS.ErrnoException
    return FAULTS[code] ?? `cannot be read (${code})`
  }
}

async function readStream(stream: AsyncIterable<string | Buffer>): Promise<Buffer> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of stream) {
    const bytes = Buffer.from(chunk)
    chunks.push(bytes)
    size += bytes.length
    if (size >= MAX_BYTES) break
  }
  return Buffer.concat(chunks)
}
