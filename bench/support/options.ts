import { parseArgs } from 'node:util'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '4' },
    rounds: { type: 'string', default: '3' },
    only: { type: 'string', default: '' },
    requests: { type: 'string' },
    program: { type: 'string', default: 'bin/vouchgate.mjs' },
  },
})

/** The length of one turn of one row, in seconds. */
export const SECONDS = Number(values.seconds)

/** How many turns each row has; the median counts. */
export const ROUNDS = Number(values.rounds)

/** Only rows whose name holds this text. */
export const ONLY = values.only

/** How many requests, where that decides. */
export const REQUESTS = values.requests === undefined ? undefined : Number(values.requests)

/** What is run as Vouchgate; `dist/bin/vouchgate.mjs` for a build. Relative to the project's folder. */
export const PROGRAM = values.program
