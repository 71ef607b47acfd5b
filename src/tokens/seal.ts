import { scryptSync } from 'node:crypto'

import { compactDecrypt, CompactEncrypt } from 'jose'

/** Encrypts text at rest, or leaves it as it is when there is no key. */
export interface Seal {
  close(text: string): Promise<string>
  /** Whether text is not as `close` would keep it. */
  isOpen(text: string): boolean
  /** @throws when the text was sealed with another key, or sealed while this seal has none */
  open(text: string): Promise<string>
}

const SEALED = 'sealed:'

/** @param secret any text; the AES-256-GCM key is derived from it */
export function sealOf(secret: string | undefined): Seal {
  if (secret === undefined) {
    return {
      close: async (text) => text,
      isOpen: () => false,
      async open(text) {
        if (!text.startsWith(SEALED)) return text
        throw new Error('the signing keys are encrypted and tokens.encryptionKey is not set')
      },
    }
  }
  const key = scryptSync(secret, 'vouchgate signing keys', 32)
  return {
    async close(text) {
      const plain = new TextEncoder().encode(text)
      const header = { alg: 'dir', enc: 'A256GCM' }
      return SEALED + (await new CompactEncrypt(plain).setProtectedHeader(header).encrypt(key))
    },
    isOpen: (text) => !text.startsWith(SEALED),
    async open(text) {
      if (!text.startsWith(SEALED)) return text
      try {
        const { plaintext } = await compactDecrypt(text.slice(SEALED.length), key)
        return new TextDecoder().decode(plaintext)
      } catch (error) {
        throw new Error('the signing keys were encrypted with another tokens.encryptionKey', {
          cause: error,
        })
      }
    },
  }
}
