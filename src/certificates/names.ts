import type { Names } from '#contract'

import { readAltName } from './name/alt-name.ts'
import { nameKey } from './name/name-key.ts'
import { guessName } from './name/parse-name.ts'

/** Reads registered names; a fault says at which character (counted from 1) it is and what to do. */
export const names: Names = {
  read(text) {
    const parsing = guessName(text)
    if (parsing.ok) return { ok: true, key: nameKey(parsing.name) }
    return { ok: false, fault: `character ${parsing.at + 1}: ${parsing.fault}` }
  },
  readAltName,
}
