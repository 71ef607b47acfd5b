import { argon2, createHash, randomBytes } from 'node:crypto'
import { parseArgs, promisify } from 'node:util'

import type { Command } from './command.ts'
import { EXIT } from './command.ts'
import { readSecret } from './read-secret.ts'

const FORMS = {
  sha256: async (secret: string) => createHash('sha256').update(secret).digest('base64'),
  sha512: async (secret: string) => createHash('sha512').update(secret).digest('base64'),
  argon2id: argon2id,
} as const

// What a fast hash cannot protect: fewer bits than a guesser can try.
const SHORT = 22
const LONGEST = 100

/** Turns a secret into the values that a client definition may hold. */
export const hashSecret: Command = {
  name: 'hash-secret',
  summary: 'turn a client secret into the value to register',
  usage: `Usage: vouchgate hash-secret [options]

Reads a secret from a prompt, or from standard input, and prints the value for each form
that a SharedSecret may be stored in. Give one of them to the client definition.

      --generate         make a random secret of 256 bits, print it, and hash that
      --form FORM        print one value only: sha256, sha512 or argon2id
  -h, --help             this text

SHA-256 and SHA-512 are what IdentityServer stores; they are right for generated secrets.
For a secret that a person made up take argon2id.

Examples:
  vouchgate hash-secret --generate
  printf %s "$SECRET" | vouchgate hash-secret --form argon2id
`,
  async run(args, io) {
    const { values } = parseArgs({
      args: [...args],
      options: { form: { type: 'string' }, generate: { type: 'boolean' } },
      strict: true,
    })
    const { form } = values
    if (form !== undefined && !Object.hasOwn(FORMS, form)) {
      io.stderr.write(
        `vouchgate hash-secret: no form "${form}"; there is ${Object.keys(FORMS).join(', ')}\n`,
      )
      return EXIT.usage
    }
    const secret = values.generate
      ? randomBytes(32).toString('base64url')
      : await readSecret('Secret: ', io)
    if (secret === '') {
      io.stderr.write(
        'vouchgate hash-secret: the secret is empty; type one, pipe one in, or use --generate\n',
      )
      return EXIT.usage
    }
    if (values.generate) io.stderr.write(`Secret, for the client only: ${secret}\n`)
    if (secret.length > LONGEST) {
      io.stderr.write(
        `note: secrets over ${LONGEST} characters are refused unless the parsers' maxSecretLength is raised\n`,
      )
    }
    if (form !== undefined) {
      io.stdout.write(`${await FORMS[form as keyof typeof FORMS](secret)}\n`)
      return EXIT.ok
    }
    if (secret.length < SHORT) {
      io.stderr.write('note: this secret is short; register the argon2id form, or use --generate\n')
    }
    for (const [name, hash] of Object.entries(FORMS)) {
      io.stdout.write(`# ${name}\n- { type: SharedSecret, value: "${await hash(secret)}" }\n`)
    }
    return EXIT.ok
  },
}

// OWASP's first choice for argon2id: 19 MiB, two passes, one lane.
const COST = { memory: 19_456, passes: 2, parallelism: 1 }

/** @returns a PHC string */
async function argon2id(secret: string): Promise<string> {
  const nonce = randomBytes(16)
  const tag = await promisify(argon2)('argon2id', {
    ...COST,
    message: Buffer.from(secret),
    nonce,
    tagLength: 32,
  })
  const text = (bytes: Buffer) => bytes.toString('base64').replaceAll('=', '')
  const { memory, passes, parallelism } = COST
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${text(nonce)}$${text(tag)}`
}
