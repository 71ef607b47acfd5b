import { z } from 'zod'

import { filePath } from './fields.ts'
import type { References } from './fields.ts'
import { readTextFile } from './read-text-file.ts'

const MAX_PEM = 256 * 1024

/** The text of a PEM file; a change of the file asks for a reload. */
export function pemFile(references: References) {
  return filePath(references).transform((file, context) => {
    references.onFile?.(file)
    const reading = readTextFile(file, MAX_PEM)
    if (reading.ok) return reading.text
    context.addIssue({ code: 'custom', message: `${file} ${reading.fault}` })
    return z.NEVER
  })
}
