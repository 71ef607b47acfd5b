import test from 'ava'

import { IssuerUnavailableError } from '../../src/errors.ts'
import { inactive } from '../../src/introspection/introspection.ts'
import type { Introspection } from '../../src/introspection/introspection.ts'
import { aBench, aForeignToken, aToken, NOON, settled } from './build.ts'

const GONE = new IssuerUnavailableError('issuer.example: status 500')
const INACTIVE = inactive({ reason: 'token-inactive' })

test('what is known comes at once, not as a promise', async (t) => {
  const bench = aBench()
  const first = bench.get()
  t.true(first instanceof Promise)
  t.like(await first, { active: true, clientId: 'orders' })
  const second = bench.get()
  t.false(second instanceof Promise)
  t.deepEqual(second, await first)
  t.is(bench.asked.length, 1)
})

test('an answer counts for the configured time and not a millisecond longer', async (t) => {
  const bench = aBench({ maxAge: 1000 })
  await bench.get()
  bench.pass(799)
  void bench.get()
  t.is(bench.asked.length, 1)
  bench.pass(201)
  t.true(bench.get() instanceof Promise)
  t.is(bench.asked.length, 2)
})

test('however far away the end of the token, an answer counts no longer than configured', async (t) => {
  const bench = aBench()
  bench.answer = () => aToken({ expiresAt: new Date(NOON + 10 * 365 * 86_400_000) })
  await bench.get()
  bench.pass(300_000)
  await bench.get()
  t.is(bench.asked.length, 2)
})

test('a token that ends sooner is not known past its end', async (t) => {
  const bench = aBench()
  bench.answer = () => aToken({ expiresAt: new Date(NOON + 5000) })
  await bench.get()
  bench.pass(4999)
  t.false(bench.get() instanceof Promise)
  bench.pass(1)
  t.true(bench.get() instanceof Promise)
  t.is(bench.asked.length, 2)
})

test('a token that does not say when it ends is known briefly, and is not given stale', async (t) => {
  const bench = aBench()
  const { expiresAt: _, ...endless } = aToken()
  bench.answer = () => endless
  await bench.get()
  bench.pass(9999)
  t.false(bench.get() instanceof Promise)
  bench.pass(1)
  bench.answer = () => Promise.reject(GONE)
  await t.throwsAsync(async () => bench.get(), { is: GONE })
})

test('a wall clock put back does not prolong an answer, one put forward ends it', async (t) => {
  const back = aBench()
  back.answer = () => aToken({ expiresAt: new Date(NOON + 5000) })
  await back.get()
  back.moveWall(-3_600_000)
  back.pass(5000)
  t.true(back.get() instanceof Promise)

  const forward = aBench()
  await forward.get()
  forward.moveWall(3_600_000)
  t.true(forward.get() instanceof Promise)
})

test('an answer under another identity is not given', async (t) => {
  const bench = aBench()
  await bench.get()
  const other = bench.cache.around(async () => INACTIVE, 'other')
  t.deepEqual(await other('token', new Date(NOON)), INACTIVE)
  const third = bench.cache.around(async () => aToken({ clientId: 'third' }), 'third')
  t.like(await third('token', new Date(NOON)), { clientId: 'third' })
})

test('a question under another identity is not joined', async (t) => {
  const bench = aBench()
  const { promise, resolve } = Promise.withResolvers<Introspection>()
  bench.answer = () => promise
  const mine = bench.get()
  const other = bench.cache.around(async () => INACTIVE, 'other')
  t.deepEqual(await other('token', new Date(NOON)), INACTIVE)
  resolve(aToken())
  t.like(await mine, { active: true })
})

test('an answer that comes late under another identity takes nobody’s place', async (t) => {
  const bench = aBench()
  const { promise, resolve } = Promise.withResolvers<Introspection>()
  bench.answer = () => promise
  const before = bench.get()
  let asked = 0
  const settledAnswer = Promise.withResolvers<Introspection>()
  const now = new Date(NOON)
  const other = bench.cache.around(async () => {
    asked++
    return settledAnswer.promise
  }, 'other')
  const first = other('token', now)
  resolve(aToken({ clientId: 'old' }))
  await before
  const second = other('token', now)
  settledAnswer.resolve(aToken({ clientId: 'new' }))
  await Promise.all([first, second])
  t.is(asked, 1)
  t.like(other('token', now), { clientId: 'new' })
})

test('an answer that comes late under another identity does not replace the one that is kept', async (t) => {
  const bench = aBench()
  const { promise, resolve } = Promise.withResolvers<Introspection>()
  bench.answer = () => promise
  const before = bench.get()
  const other = bench.cache.around(async () => aToken({ clientId: 'new' }), 'other')
  await other('token', new Date(NOON))
  resolve(aToken({ clientId: 'old' }))
  await before
  t.like(other('token', new Date(NOON)), { clientId: 'new' })
})

test('a last good answer under another identity counts for nothing', async (t) => {
  const bench = aBench()
  await bench.get()
  const other = bench.cache.around(() => Promise.reject(GONE), 'other')
  await t.throwsAsync(async () => other('token', new Date(NOON)), { is: GONE })
})

test('a last good answer that ends while it is asked for anew is not given', async (t) => {
  const bench = aBench({ maxAge: 1000, maxStale: 1000 })
  await bench.get()
  const { promise, reject } = Promise.withResolvers<Introspection>()
  bench.answer = () => promise
  bench.pass(1500)
  const asked = bench.get()
  bench.pass(500)
  reject(GONE)
  await t.throwsAsync(async () => asked, { is: GONE })
})

test('tokens that begin alike for a kilobyte are known apart', async (t) => {
  const bench = aBench()
  const [one, two] = [`${'a'.repeat(1024)}1`, `${'a'.repeat(1024)}2`]
  bench.answer = (token) => aToken({ clientId: token.slice(-1) })
  t.like(await bench.get(one), { clientId: '1' })
  t.like(await bench.get(two), { clientId: '2' })
  t.like(bench.get(one), { clientId: '1' })
})

test('no answer and no figure holds the token itself', async (t) => {
  const bench = aBench()
  await bench.get('very secret token')
  t.notRegex(JSON.stringify([bench.get('very secret token'), bench.cache.figures()]), /secret/)
})

test('a thousand look-ups at once ask once', async (t) => {
  const bench = aBench()
  const { promise, resolve } = Promise.withResolvers<Introspection>()
  bench.answer = () => promise
  const all = Array.from({ length: 1000 }, async () => bench.get())
  resolve(aToken())
  t.true((await Promise.all(all)).every(({ active }) => active))
  t.deepEqual(bench.asked, ['token'])
  t.like(bench.cache.figures(), { hits: 0, misses: 1000, joined: 999, entries: 1 })
})

test('one who does not wait for the answer spoils it for nobody', async (t) => {
  const bench = aBench()
  const { promise, resolve } = Promise.withResolvers<Introspection>()
  bench.answer = () => promise
  const [impatient, patient] = [bench.get(), bench.get()]
  await t.throwsAsync(Promise.race([impatient, Promise.reject(new Error('gone'))]))
  resolve(aToken())
  t.like(await patient, { active: true })
  t.false(bench.get() instanceof Promise)
})

test('a failure reaches all who waited and is not remembered', async (t) => {
  const bench = aBench()
  bench.answer = () => Promise.reject(GONE)
  const all = await Promise.allSettled([bench.get(), bench.get(), bench.get()])
  t.deepEqual(
    all.map(({ status }) => status),
    ['rejected', 'rejected', 'rejected'],
  )
  t.is(bench.asked.length, 1)
  bench.answer = () => aToken()
  t.like(await bench.get(), { active: true })
  t.is(bench.asked.length, 2)
})

test('that a token does not count is remembered briefly', async (t) => {
  const bench = aBench()
  bench.answer = () => INACTIVE
  await bench.get()
  bench.pass(9999)
  t.deepEqual(bench.get(), INACTIVE)
  bench.pass(1)
  bench.answer = () => aToken()
  t.like(await bench.get(), { active: true })
  t.is(bench.asked.length, 2)
})

test('what may be otherwise in a moment is not remembered', async (t) => {
  const bench = aBench()
  for (const reason of ['jwt-kid-unknown', 'jwt-not-yet-valid']) {
    bench.answer = () => inactive({ reason })
    await bench.get(reason)
    t.true(bench.get(reason) instanceof Promise)
  }
})

test('random tokens push out no good one', async (t) => {
  const bench = aBench({ size: 64 * 1024 })
  await bench.get('good')
  bench.answer = () => INACTIVE
  for (let index = 0; index < 10_000; index++) await bench.get(`random ${index}`)
  t.like(bench.get('good'), { active: true })
  t.true(bench.cache.figures().inactiveEntries < 20)
})

test('the memory is bounded in bytes, whatever the tokens are like', async (t) => {
  const bench = aBench({ size: 256 * 1024 })
  const scopes = Array.from({ length: 50 }, (_, index) => `scope-of-some-length-${index}`)
  bench.answer = () => aToken({ scopes })
  for (let index = 0; index < 2000; index++) await bench.get(String(index))
  const { bytes, entries } = bench.cache.figures()
  t.true(bytes <= 256 * 1024 * (1 + 1 / 16))
  t.true(entries > 50 && entries < 150, String(entries))
  t.like(bench.get('1999'), { active: true })
  t.true(bench.get('0') instanceof Promise)
})

test('near its end an answer is asked for anew in the background, once', async (t) => {
  const bench = aBench({ maxAge: 1000 })
  await bench.get()
  const { promise, resolve } = Promise.withResolvers<Introspection>()
  bench.answer = () => promise
  bench.pass(800)
  for (let count = 0; count < 5; count++) t.like(bench.get(), { clientId: 'orders' })
  await settled()
  t.is(bench.asked.length, 2)
  resolve(aToken({ clientId: 'renamed' }))
  await settled()
  bench.pass(500)
  t.like(bench.get(), { clientId: 'renamed' })
  t.like(bench.cache.figures(), { hits: 6, misses: 1, refreshed: 1, stale: 0 })
})

test('what the background finds no longer to count is refused from then on', async (t) => {
  const bench = aBench({ maxAge: 1000 })
  await bench.get()
  bench.answer = () => INACTIVE
  bench.pass(800)
  void bench.get()
  await settled()
  t.deepEqual(bench.get(), INACTIVE)
})

test('nothing is asked anew for a token that is about to end', async (t) => {
  const bench = aBench()
  bench.answer = () => aToken({ expiresAt: new Date(NOON + 1000) })
  await bench.get()
  bench.pass(990)
  void bench.get()
  await settled()
  t.is(bench.asked.length, 1)
})

test('while the issuer is gone the last good answer counts for a bounded time, then nothing does', async (t) => {
  const bench = aBench({ maxAge: 1000, maxStale: 10_000 })
  await bench.get()
  bench.answer = () => Promise.reject(GONE)
  bench.pass(1000)
  t.like(await bench.get(), { active: true })
  t.is(bench.asked.length, 2)
  // For a second nobody asks, and nobody waits.
  bench.pass(999)
  t.false(bench.get() instanceof Promise)
  t.is(bench.asked.length, 2)
  bench.pass(1)
  t.like(await bench.get(), { active: true })
  t.is(bench.asked.length, 3)
  bench.pass(8999)
  t.like(await bench.get(), { active: true })
  bench.pass(1)
  await t.throwsAsync(async () => bench.get(), { is: GONE })
  t.is(bench.cache.figures().stale, 4)
})

test('a last good answer does not count past the end of the token', async (t) => {
  const bench = aBench({ maxAge: 1000, maxStale: 60_000 })
  bench.answer = () => aToken({ expiresAt: new Date(NOON + 3000) })
  await bench.get()
  bench.answer = () => Promise.reject(GONE)
  bench.pass(2999)
  t.like(await bench.get(), { active: true })
  bench.pass(1)
  await t.throwsAsync(async () => bench.get(), { is: GONE })
})

test('when the issuer is back its answer counts, a refusal too', async (t) => {
  const bench = aBench({ maxAge: 1000 })
  await bench.get()
  bench.answer = () => Promise.reject(GONE)
  bench.pass(1000)
  await bench.get()
  bench.answer = () => INACTIVE
  bench.pass(1000)
  t.deepEqual(await bench.get(), INACTIVE)
})

test('a failure in the background leaves the answer and is tried again after a while', async (t) => {
  const bench = aBench({ maxAge: 10_000 })
  await bench.get()
  bench.answer = () => Promise.reject(GONE)
  bench.pass(8000)
  void bench.get()
  await settled()
  void bench.get()
  await settled()
  t.is(bench.asked.length, 2)
  bench.pass(1000)
  bench.answer = () => aToken({ clientId: 'renamed' })
  void bench.get()
  await settled()
  t.like(bench.get(), { clientId: 'renamed' })
})

test('a revocation counts at once, also for an answer that is under way', async (t) => {
  const bench = aBench()
  await bench.get('known')
  const { promise, resolve } = Promise.withResolvers<Introspection>()
  bench.answer = () => promise
  const underWay = bench.get('under way')
  bench.revoked.add('an id')
  t.like(bench.get('known'), { active: false, refusal: { reason: 'token-revoked' } })
  resolve(aToken())
  t.like(await underWay, { active: false, refusal: { reason: 'token-revoked' } })
  t.like(await bench.get('under way'), { active: false })
})

test('a revocation counts for a last good answer too', async (t) => {
  const bench = aBench({ maxAge: 1000 })
  await bench.get()
  bench.revoked.add('an id')
  bench.answer = () => Promise.reject(GONE)
  bench.pass(1000)
  t.like(await bench.get(), { active: false, refusal: { reason: 'token-revoked' } })
})

test('when revocations were dropped too early, answers of ours from before count no more', async (t) => {
  const bench = aBench()
  const { promise, resolve } = Promise.withResolvers<Introspection>()
  await bench.get('ours')
  bench.answer = () => aForeignToken()
  await bench.get('theirs')
  bench.answer = () => promise
  const before = bench.get('under way')
  for (const id of ['1', '2', '3', '4']) bench.revoked.add(id)
  const after = bench.get('under way')
  t.deepEqual(bench.asked, ['ours', 'theirs', 'under way', 'under way'])
  resolve(aToken())
  await Promise.all([before, after])
  t.true(bench.get('ours') instanceof Promise)
  t.false(bench.get('theirs') instanceof Promise)
  t.false(bench.get('under way') instanceof Promise)
})

test('while revocations may be missed known tokens of ours count for a bounded time', async (t) => {
  const bench = aBench({ maxStale: 10_000 })
  await bench.get('ours')
  bench.answer = () => aForeignToken()
  await bench.get('theirs')
  bench.revoked.connected(false)
  bench.pass(9999)
  bench.revoked.connected(false)
  t.false(bench.get('ours') instanceof Promise)
  bench.pass(1)
  bench.answer = () => Promise.reject(GONE)
  await t.throwsAsync(async () => bench.get('ours'), { is: GONE })
  t.false(bench.get('theirs') instanceof Promise)
})

test('when revocations come again, tokens of ours are looked at anew', async (t) => {
  const bench = aBench()
  await bench.get('ours')
  bench.revoked.connected(true)
  t.false(bench.get('ours') instanceof Promise)
  bench.revoked.connected(false)
  bench.revoked.connected(true)
  t.true(bench.get('ours') instanceof Promise)
})

test('no answer is kept for longer than revocations are remembered', async (t) => {
  const bench = aBench({ maxAge: 300_000, maxStale: 300_000 }, 5000)
  await bench.get()
  bench.answer = () => Promise.reject(GONE)
  bench.pass(4999)
  t.false(bench.get() instanceof Promise)
  await settled()
  bench.pass(1)
  await t.throwsAsync(async () => bench.get(), { is: GONE })
})

test('with no time to remember nothing is, and those who ask at once still ask once', async (t) => {
  const bench = aBench({ maxAge: 0, inactiveAge: 0 })
  await Promise.all([bench.get(), bench.get()])
  t.is(bench.asked.length, 1)
  await bench.get()
  bench.answer = () => INACTIVE
  await bench.get()
  await bench.get()
  t.is(bench.asked.length, 4)
  t.like(bench.cache.figures(), { entries: 0, inactiveEntries: 0, bytes: 0 })
})
