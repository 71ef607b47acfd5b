import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto'

/** Nonces for proofs (RFC 9449 §8), which nobody has to remember: each bears its time and our mark. */
export interface Nonces {
  make(now: Date): Promise<string>
  isFresh(nonce: string, now: Date): Promise<boolean>
}

/** What agreeing on one key takes. */
export interface NonceKeyStore {
  get(key: string): Promise<string | undefined>
  add(key: string, value: string): Promise<boolean>
}

const TIME = 6
const MARK = 16
const KEY = 'dpop-nonce-key'
const KEY_FORM = /^[\w-]{43}$/
/** Another replica's clock may be ahead. Milliseconds. */
const AHEAD = 60_000

/** @param lifetime milliseconds */
export function nonces(store: NonceKeyStore, lifetime: number): Nonces {
  let found: Promise<Buffer> | undefined
  const key = () => {
    found ??= agreedKey(store).catch((error: unknown) => {
      found = undefined
      throw error
    })
    return found
  }
  return {
    async make(now) {
      const time = Buffer.alloc(TIME)
      time.writeUIntBE(now.getTime(), 0, TIME)
      return Buffer.concat([time, mark(time, await key())]).toString('base64url')
    },
    async isFresh(nonce, now) {
      const bytes = Buffer.from(nonce.slice(0, 100), 'base64url')
      if (bytes.length !== TIME + MARK || bytes.toString('base64url') !== nonce) return false
      const time = bytes.subarray(0, TIME)
      if (!timingSafeEqual(bytes.subarray(TIME), mark(time, await key()))) return false
      const age = now.getTime() - time.readUIntBE(0, TIME)
      return age >= -AHEAD && age <= lifetime
    },
  }
}

function mark(time: Uint8Array, key: Uint8Array): Buffer {
  return createHmac('sha256', key).update('dpop-nonce').update(time).digest().subarray(0, MARK)
}

/** Whoever comes first makes it; all replicas of one store have the same. */
async function agreedKey(store: NonceKeyStore): Promise<Buffer> {
  const made = randomBytes(32).toString('base64url')
  const kept = (await store.add(KEY, made)) ? made : await store.get(KEY)
  if (kept === undefined || !KEY_FORM.test(kept)) throw new Error('the key of the nonces is lost')
  return Buffer.from(kept, 'base64url')
}
