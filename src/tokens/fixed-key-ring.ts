import type { KeyRing } from './key-ring.ts'
import type { SigningKey } from './signing-key.ts'

/** The keys of files: the first signs, and whoever mounts the files rotates them. */
export function fixedKeyRing(first: SigningKey, others: readonly SigningKey[]): KeyRing {
  const keys = new Map([first, ...others].map((key) => [key.kid, key]))
  return {
    current: first,
    keys,
    find: async (kid) => keys.get(kid),
    refresh: async () => undefined,
    close: () => undefined,
  }
}
