import type { StateStore } from '#contract'

import { COMPATIBILITY } from '../config/compatibility.ts'
import type { Settings } from '../config/settings-schema.ts'
import { fixedKeyRing } from './fixed-key-ring.ts'
import { openKeyRing } from './key-ring.ts'
import type { KeyRing } from './key-ring.ts'
import { sealOf } from './seal.ts'
import type { SigningKey } from './signing-key.ts'

/**
 * The signing keys that the configuration means: those of its files, else those of the state store.
 * @throws when the store fails or its keys cannot be decrypted
 */
export async function openKeys(
  [first, ...others]: readonly SigningKey[],
  { tokens, compatibility }: Pick<Settings, 'tokens' | 'compatibility'>,
  store: StateStore,
  onFailure: (error: unknown) => void,
): Promise<KeyRing> {
  if (first) return fixedKeyRing(first, others)
  const { rotation } = tokens
  const algorithm = tokens.algorithm ?? COMPATIBILITY[compatibility].signingAlgorithm
  const seal = sealOf(tokens.encryptionKey)
  return openKeyRing({ store, algorithm, rotation, seal, onFailure, now: () => Date.now() })
}
