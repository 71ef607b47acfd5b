import { availableParallelism } from 'node:os'

import { z } from 'zod'

const MOST = 64

/** On how many processes requests are served. */
export const workersSchema = z
  .union([z.int().min(1).max(MOST), z.enum(['auto'])], {
    error: `must be a number from 1 to ${MOST}, or auto`,
  })
  .default(1)
  .transform((count) => (count === 'auto' ? Math.min(MOST, availableParallelism()) : count))
  .describe(
    'On how many processes requests are served; `auto`: on as many as there are processors.',
  )
