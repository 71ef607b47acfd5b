import { createInterface } from 'node:readline/promises'
import { Writable } from 'node:stream'

import type { CommandIo } from './command.ts'

const MAX_BYTES = 16 * 1024

/**
 * Reads a secret from a prompt that shows nothing, or all of standard input without its last line end.
 * @throws Error with a sentence for the operator when there is none to be had
 */
export async function readSecret(prompt: string, io: CommandIo): Promise<string> {
  return io.stdin.isTTY === true ? fromTerminal(prompt, io) : fromPipe(io.stdin)
}

async function fromTerminal(prompt: string, { stdin, stderr }: CommandIo): Promise<string> {
  stderr.write(prompt)
  // A terminal echoes through readline's output, so an output that writes nothing hides what is typed.
  const output = new Writable({ write: (_chunk, _encoding, done) => done() })
  const terminal = createInterface({ input: stdin, output, terminal: true })
  const { promise: closed, reject } = Promise.withResolvers<never>()
  terminal.once('close', () => {
    reject(new Error('no secret was typed'))
  })
  try {
    return await Promise.race([terminal.question(''), closed])
  } finally {
    terminal.close()
    stderr.write('\n')
  }
}

async function fromPipe(input: NodeJS.ReadableStream): Promise<string> {
  const chunks: Buffer[] = []
  let size = 0
  for await (const chunk of input) {
    const bytes = Buffer.from(chunk)
    chunks.push(bytes)
    size += bytes.length
    if (size > MAX_BYTES) throw new Error(`the secret is longer than ${MAX_BYTES} bytes`)
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })
    return text.decode(Buffer.concat(chunks)).replace(/\r?\n$/, '')
  } catch {
    throw new Error('the secret is not UTF-8 text')
  }
}
