import { execFileSync } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

import { introspectionCache } from '../src/introspection/introspection-cache.ts'
import type { Lookup } from '../src/introspection/introspection-cache.ts'
import type { ActiveToken } from '../src/introspection/introspection.ts'
import { recentRevocations } from '../src/introspection/recent-revocations.ts'
import { tokenId } from '../src/tokens/token-id.ts'

/**
 * What a look-up of a known token costs, and what a token takes of memory.
 * `node bench/introspection-cache.ts [entries]`
 */
const ENTRIES = Number(process.argv[2] ?? 1_000_000)
const LOOKUPS = 1_000_000
const ROUNDS = 5

setFlagsFromString('--expose-gc')
const collect = runInNewContext('gc') as () => void

const HOUR = 3_600_000
const now = new Date()

const KINDS = {
  'own handle': { bytes: 32, issuer: undefined },
  'own JWT, 700 characters': { bytes: 525, issuer: undefined },
  'opaque token of another issuer': { bytes: 32, issuer: 'https://login.example' },
} as const

/** As it comes from JSON: no text is shared with another answer. */
function answer(token: string, index: number, issuer: string | undefined): ActiveToken {
  const read = JSON.parse(
    `{"clientId":"client-${index % 1000}","scopes":["orders.read","orders.write"],"audience":["orders"]}`,
  ) as Pick<ActiveToken, 'clientId' | 'scopes' | 'audience'>
  return {
    active: true,
    ...(issuer === undefined ? { id: tokenId(token) } : { issuer }),
    ...read,
    expiresAt: new Date(now.getTime() + HOUR),
  }
}

/** The tokens are made anew each time: a million of them would take more memory than what is measured. */
function tokenOf(seed: Buffer, index: number, bytes: number): string {
  seed.writeUInt32LE(index, 0)
  return seed.toString('base64url', 0, bytes)
}

async function measure(name: keyof typeof KINDS) {
  const { bytes, issuer } = KINDS[name]
  const seed = randomBytes(bytes)
  const revoked = recentRevocations({
    lifetime: HOUR,
    entries: 50_000,
    clock: () => performance.now(),
  })
  for (let index = 0; index < 10_000; index++) revoked.add(tokenId(`revoked ${index}`))
  const limits = {
    size: 2 ** 40,
    maxAge: HOUR / 2,
    withoutExpiry: 10_000,
    maxStale: 60_000,
    inactiveAge: 10_000,
  }
  const cache = introspectionCache(limits, revoked)
  let index = 0
  const lookup = cache.around(async (token) => answer(token, index, issuer), 'bench')
  collect()
  const before = process.memoryUsage()
  for (index = 0; index < ENTRIES; index++) await lookup(tokenOf(seed, index, bytes), now)
  collect()
  const after = process.memoryUsage()
  const best = Math.min(...Array.from({ length: ROUNDS }, () => round(lookup, seed, bytes)))
  return {
    'µs a look-up': Number(best.toFixed(2)),
    'look-ups a second': Math.round(1e6 / best),
    'bytes an entry': Math.round((after.heapUsed - before.heapUsed) / ENTRIES),
    'bytes as reckoned': Math.round(cache.figures().bytes / ENTRIES),
    'MB resident': Math.round((after.rss - before.rss) / 1e6),
  }
}

/** Microseconds of processor time a look-up in random order, without what making the tokens takes. */
function round(lookup: Lookup, seed: Buffer, bytes: number): number {
  const order = Uint32Array.from({ length: LOOKUPS }, () => Math.floor(Math.random() * ENTRIES))
  // Of this thread alone: what else the machine does is not to count.
  const timed = (act: (token: string) => void) => {
    const start = process.threadCpuUsage()
    for (const one of order) act(tokenOf(seed, one, bytes))
    const { user, system } = process.threadCpuUsage(start)
    return user + system
  }
  let missed = 0
  const making = timed((token) => {
    missed += token.length === 0 ? 1 : 0
  })
  const all = timed((token) => {
    if (lookup(token, now) instanceof Promise) missed++
  })
  if (missed > 0) throw new Error(`${missed} look-ups missed`)
  return (all - making) / LOOKUPS
}

// Each in a process of its own: what one leaves behind is not to be taken for another's.
const [, script = '', , kind] = process.argv
if (kind === undefined) {
  const rows = Object.keys(KINDS).map((name) => {
    const row = execFileSync(process.execPath, [script, String(ENTRIES), name], {
      encoding: 'utf8',
    })
    return [name, JSON.parse(row)] as const
  })
  process.stdout.write(`${ENTRIES} tokens known, node ${process.version}\n`)
  console.table(Object.fromEntries(rows))
} else {
  process.stdout.write(JSON.stringify(await measure(kind as keyof typeof KINDS)))
}
