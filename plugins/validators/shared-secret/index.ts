import type { Attempt, Refusal, Secret, Validator, ValidatorPlugin, Verdict } from '#contract'
import { z } from 'zod'

import { argon2Verifier } from './argon2-verifier.ts'
import { digestsOf, explain, fitsDigest } from './registered-secret.ts'
import type { Registered } from './registered-secret.ts'
import { readStoredHash } from './stored-hash.ts'
import type { Argon2Hash, Argon2Parameters, Reading } from './stored-hash.ts'

const options = z
  .strictObject({
    /** How many argon2id hashes are computed at once. */
    concurrency: z.int().min(1).max(64).default(2),
    /** How many may wait for that; beyond it the answer is `busy`. */
    queue: z.int().min(0).max(10_000).default(64),
    /** How many proven argon2id secrets are remembered. */
    remembered: z.int().min(1).max(1_000_000).default(10_000),
  })
  .prefault({})

const MAX_SLOW = 8
const MISMATCH: Refusal = { reason: 'secret-mismatch' }
const NOT_TRIED: Refusal = { reason: 'not-tried', want: `at most ${MAX_SLOW} argon2id secrets` }
const BUSY: Refusal = {
  reason: 'busy',
  retryable: true,
  hint: 'more secrets arrive than argon2id may hash at once: raise concurrency or queue, or give out long random secrets and register their SHA-256',
}
const DECOY: Secret = {
  type: 'SharedSecret',
  value: Buffer.alloc(32, 0xa5).toString('base64'),
  properties: {},
}

/** Shared secrets, registered as SHA-256, SHA-512 or argon2id. */
export default {
  contract: 1,
  options,
  setup(limits): Validator<'shared_secret'> {
    const verifier = argon2Verifier(limits)
    const known = new WeakMap<Secret, Reading>()
    let costliest: Argon2Parameters | undefined

    function read(secret: Secret): Registered {
      const before = known.get(secret)
      if (before) return { secret, reading: before }
      const reading = readStoredHash(secret.value)
      known.set(secret, reading)
      if (reading.ok && reading.hash.kind === 'argon2id')
        costliest = dearer(reading.hash, costliest)
      return { secret, reading }
    }

    /** A refusal here has cost at least one hash, also for a client that has no argon2id secret. */
    async function trySlow(slow: readonly Slow[], presented: string): Promise<Secret | Refusal> {
      const remembered = slow.find(({ hash }) => verifier.remembers(hash, presented))
      if (remembered) return remembered.secret
      for (const { secret, hash } of slow.slice(0, MAX_SLOW)) {
        // One after the other: each takes its own large piece of memory.
        // oxlint-disable-next-line no-await-in-loop
        const result = await verifier.compare(hash, presented)
        if (result === 'fits') return secret
        if (result === 'busy') return BUSY
      }
      if (slow.length > 0 || costliest === undefined) return MISMATCH
      return (await verifier.spend(costliest, presented)) === 'busy' ? BUSY : MISMATCH
    }

    return {
      accepts: 'shared_secret',
      secretTypes: ['SharedSecret'],
      decoys: [DECOY],
      inspect(secret) {
        const { reading } = read(secret)
        return reading.ok ? {} : { fault: reading.fault }
      },
      validate({ credential, secrets }: Attempt<'shared_secret'>): Verdict | Promise<Verdict> {
        const presented = credential.secret
        const digests = digestsOf(presented)
        const registered = secrets.map(read)
        let fitting: Secret | undefined
        // No early end: each is compared, whichever fitted before.
        for (const one of registered) if (fitsDigest(one, digests)) fitting = one.secret
        if (fitting) return { ok: true, secret: fitting }

        const slow = registered.flatMap(asSlow)
        const refuse = (refusal: Refusal): Verdict => {
          const bare = presented.trim()
          const trimmed = bare === presented ? undefined : digestsOf(bare)
          const considered = registered.map((one) => {
            const index = slow.findIndex(({ secret }) => secret === one.secret)
            const why = index === -1 ? MISMATCH : index < MAX_SLOW ? refusal : NOT_TRIED
            return explain(one, why, digests, trimmed)
          })
          const hint = considered.find((one) => one.hint)?.hint
          return { ok: false, ...refusal, ...(hint && { hint }), considered }
        }
        if (slow.length === 0 && costliest === undefined) return refuse(MISMATCH)
        return trySlow(slow, presented).then((outcome) =>
          'reason' in outcome ? refuse(outcome) : { ok: true, secret: outcome },
        )
      },
    }
  },
} satisfies ValidatorPlugin<z.infer<typeof options>>

interface Slow {
  readonly secret: Secret
  readonly hash: Argon2Hash
}

function asSlow({ secret, reading }: Registered): readonly Slow[] {
  return reading.ok && reading.hash.kind === 'argon2id' ? [{ secret, hash: reading.hash }] : []
}

function dearer(a: Argon2Parameters, b: Argon2Parameters | undefined): Argon2Parameters {
  return b === undefined || a.memory * a.passes > b.memory * b.passes ? a : b
}
