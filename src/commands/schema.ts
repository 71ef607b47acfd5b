import { settingsJsonSchema } from '../config/json-schema.ts'
import type { Command } from './command.ts'

/** Prints the JSON Schema of the configuration. */
export const schema: Command = {
  name: 'schema',
  summary: 'print the JSON Schema of the configuration file',
  usage: `Usage: vouchgate schema

Prints the JSON Schema of the configuration file. An editor uses it when the file begins with
  # yaml-language-server: $schema=vouchgate.schema.json
`,
  async run(_args, io) {
    io.stdout.write(`${JSON.stringify(settingsJsonSchema(), null, 2)}\n`)
    return 0
  },
}
