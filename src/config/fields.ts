import path from 'node:path'

import { z } from 'zod'

import { readTextFile } from './read-text-file.ts'

/** Where references of a file lead: its folder for `{ file }`, the environment for `{ env }`. */
export interface References {
  readonly folder: string
  readonly env: Readonly<Record<string, string | undefined>>
  /** Told of every file that was read through a reference. */
  readonly onFile?: ((file: string) => void) | undefined
}

const UNITS = { ms: 1, s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const
const DURATION = /^(\d{1,9})(ms|s|m|h|d)$/
const NO_DURATION = 'is not a duration; write 500ms, 90s, 15m, 1h or 30d'

/** `90s`, `15m`, `1h` → milliseconds. */
export const duration = z
  .string({ error: NO_DURATION })
  .regex(DURATION, NO_DURATION)
  .transform((text) => {
    const [, count, unit] = DURATION.exec(text) ?? []
    return Number(count) * UNITS[unit as keyof typeof UNITS]
  })

/** A duration to wait for. Nothing would mean no limit to some timers, and a month an immediate end. */
export const timeLimit = duration.refine(
  (milliseconds) => milliseconds >= 1 && milliseconds <= UNITS.d,
  'must be between 1ms and 1d',
)

/** A TCP port; 0 takes any that is free. */
export const port = z.int().min(0).max(65_535)

const SIZE = /^(\d{1,9})(B|KiB|MiB|GiB)$/
const NO_SIZE = 'is not a size; write 65536, 64KiB or 1MiB'
const FACTORS = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30 } as const

/** `64KiB`, `1MiB` or a plain number → bytes. */
export const byteSize = z
  .union([z.int().min(0, NO_SIZE), z.string().regex(SIZE, NO_SIZE)], { error: NO_SIZE })
  .transform((size) => {
    if (typeof size === 'number') return size
    const [, count, unit] = SIZE.exec(size) ?? []
    return Number(count) * FACTORS[unit as keyof typeof FACTORS]
  })

function reference(error: string) {
  return z
    .strictObject(
      { env: z.string().min(1).optional(), file: z.string().min(1).optional() },
      { error },
    )
    .refine(({ env, file }) => (env === undefined) !== (file === undefined), error)
}

type Reference = z.infer<ReturnType<typeof reference>>

const ELSEWHERE =
  'must be kept elsewhere; write { env: NAME } for an environment variable, or { file: path }'

/** A secret: `{ env: NAME }` or `{ file: path }`, never the text itself. */
export function secretReference(references: References) {
  return reference(ELSEWHERE).transform(resolver(references))
}

const ANYWHERE = 'must be text in quotes, { env: NAME } or { file: path }'

/** Text that may stand in the file or elsewhere, and which of the two. */
export function sourcedText(references: References) {
  const elsewhere = reference(ANYWHERE).transform(resolver(references))
  return z.union(
    [
      z.string().transform((text) => ({ text, referenced: false })),
      elsewhere.transform((text) => ({ text, referenced: true })),
    ],
    { error: ANYWHERE },
  )
}

/** A path; relative ones start at the file that names them. */
export function filePath(references: References) {
  return z
    .string()
    .min(1)
    .transform((text) => path.resolve(references.folder, text))
}

const MAX_BYTES = 1024 * 1024

function resolver(references: References) {
  const read = ({ env, file = '' }: Reference): { text?: string; fault: string } => {
    if (env !== undefined) {
      const text = references.env[env]
      const fault = `environment variable ${env} is ${text === undefined ? 'not set' : 'empty'}`
      return { ...(text && { text }), fault }
    }
    const full = path.resolve(references.folder, file)
    references.onFile?.(full)
    const reading = readTextFile(full, MAX_BYTES)
    if (!reading.ok) return { fault: `${file} ${reading.fault}` }
    const text = reading.text.trimEnd()
    return { ...(text && { text }), fault: `${file} is empty` }
  }
  return (from: Reference, context: z.RefinementCtx): string => {
    const { text, fault } = read(from)
    if (text !== undefined) return text
    context.addIssue({ code: 'custom', message: fault })
    return z.NEVER
  }
}
