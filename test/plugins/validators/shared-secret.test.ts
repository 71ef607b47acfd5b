import { argon2Sync, hash } from 'node:crypto'

import test from 'ava'

import type { Secret, Validator, Verdict } from '#contract'

import plugin from '../../../plugins/validators/shared-secret/index.ts'
import { aSecret, anAttempt } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const SALT = Buffer.from('0123456789abcdef')

function sha256(text: string): Secret {
  return aSecret('SharedSecret', hash('sha256', text, 'base64'))
}

function sha512(text: string): Secret {
  return aSecret('SharedSecret', hash('sha512', text, 'base64'))
}

function argon2id(text: string, memory = 8): Secret {
  const cost = { memory, passes: 1, parallelism: 1 }
  const tag = argon2Sync('argon2id', { message: text, nonce: SALT, tagLength: 32, ...cost })
  return aSecret('SharedSecret', phc(`m=${memory},t=1,p=1`, SALT, tag))
}

function phc(parameters: string, salt: Buffer, tag: Buffer): string {
  const [a, b] = [salt, tag].map((bytes) => bytes.toString('base64').replace(/=+$/, ''))
  return `$argon2id$v=19$${parameters}$${a}$${b}`
}

/** A value that takes long enough for others to come while it is hashed. */
const SLOW = argon2id('slow', 19_456)

async function ask(
  validator: Validator,
  secret: string,
  secrets: readonly Secret[],
): Promise<Verdict> {
  const credential = { kind: 'shared_secret', claimedClientId: 'orders', secret } as const
  return await validator.validate(anAttempt(credential, secrets))
}

for (const [form, register] of [
  ['SHA-256', sha256],
  ['SHA-512', sha512],
  ['argon2id', argon2id],
] as const) {
  test(`${form}: the right secret is let in, by the secret that fitted`, async (t) => {
    const validator = await setUp(plugin)
    const secret = register('pässword')
    t.deepEqual(validator.inspect?.(secret), {})
    t.deepEqual(await ask(validator, 'pässword', [secret]), { ok: true, secret })
    t.deepEqual(await ask(validator, 'pässword', [secret]), { ok: true, secret })
  })

  test(`${form}: another secret is refused`, async (t) => {
    const validator = await setUp(plugin)
    const secret = register('right')
    for (const wrong of ['wrong', 'Right', 'right ', '', 'x'.repeat(100)])
      t.like(await ask(validator, wrong, [secret]), {
        ok: false,
        reason: 'secret-mismatch',
        considered: [{ secret, reason: 'secret-mismatch' }],
      })
  })

  test(`${form}: presenting what is registered is refused with a hint`, async (t) => {
    const validator = await setUp(plugin)
    const secret = register('right')
    t.like(await ask(validator, secret.value, [secret]), {
      ok: false,
      reason: 'secret-mismatch',
      hint: 'the client sent the hash; it must send what was hashed',
    })
  })

  test(`${form}: one of several secrets suffices, wherever it stands`, async (t) => {
    const validator = await setUp(plugin)
    const right = register('right')
    const others = [sha256('a'), sha512('b'), argon2id('c')]
    for (const secrets of [
      [right, ...others],
      [...others, right],
    ])
      t.deepEqual(await ask(validator, 'right', secrets), { ok: true, secret: right })
  })
}

test('a refusal lists every secret that was looked at', async (t) => {
  const validator = await setUp(plugin)
  const secrets = [sha256('a'), sha512('b'), argon2id('c')]
  const verdict = await ask(validator, 'd', secrets)
  t.deepEqual(verdict, {
    ok: false,
    reason: 'secret-mismatch',
    considered: secrets.map((secret) => ({ secret, reason: 'secret-mismatch' })),
  })
})

test('a malformed secret does not disable its neighbours', async (t) => {
  const validator = await setUp(plugin)
  const right = sha256('right')
  const bad = aSecret('SharedSecret', 'plain text')
  t.deepEqual(await ask(validator, 'right', [bad, right]), { ok: true, secret: right })
  t.like(await ask(validator, 'plain text', [bad]), { ok: false })
})

test('white space around the right secret is refused with a hint', async (t) => {
  const validator = await setUp(plugin)
  t.like(await ask(validator, 'right\n', [sha256('other'), sha256('right')]), {
    ok: false,
    hint: 'the client sent white space, perhaps a line break, around the right secret',
  })
})

const DIGEST = Buffer.alloc(32, 0xfb)
for (const [what, value, fault] of [
  ['hexadecimal', DIGEST.toString('hex'), /hexadecimal/],
  ['SHA-512 in hexadecimal', Buffer.alloc(64, 1).toString('hex').toUpperCase(), /hexadecimal/],
  ['base64url', DIGEST.toString('base64url'), /base64url/],
  ['unpadded base64', DIGEST.toString('base64').slice(0, -1), /unpadded/],
  ['a blank at the end', `${DIGEST.toString('base64')} `, /white space/],
  ['a line break at the end', `${DIGEST.toString('base64')}\n`, /white space/],
  ['SHA-1', Buffer.alloc(20, 1).toString('base64'), /another hash, of 20 bytes/],
  ['the plain secret', 'correct horse', /plain secret; hash it with `vouchgate hash-secret`/],
  ['nothing', '', /plain secret/],
  ['a bcrypt hash', `$2b$12$${'a'.repeat(53)}`, /no argon2id PHC string/],
  ['argon2i', phc('m=8,t=1,p=1', SALT, DIGEST).replace('2id', '2i'), /no argon2id PHC string/],
  ['an older argon2id', phc('m=8,t=1,p=1', SALT, DIGEST).replace('v=19', 'v=16'), /of version 19/],
  ['padding in a PHC string', `${phc('m=8,t=1,p=1', SALT, DIGEST)}=`, /not unpadded base64/],
  ['more than 256 MiB', phc('m=262145,t=1,p=1', SALT, DIGEST), /m must be/],
  ['less memory than lanes need', phc('m=15,t=1,p=2', SALT, DIGEST), /m must be/],
  ['too many passes', phc('m=8,t=11,p=1', SALT, DIGEST), /t must be/],
  ['no pass', phc('m=8,t=0,p=1', SALT, DIGEST), /t must be/],
  ['too many lanes', phc('m=1024,t=1,p=9', SALT, DIGEST), /p must be/],
  ['a short salt', phc('m=8,t=1,p=1', SALT.subarray(0, 7), DIGEST), /salt/],
  ['a short hash', phc('m=8,t=1,p=1', SALT, DIGEST.subarray(0, 15)), /hash must/],
  ['a long hash', phc('m=8,t=1,p=1', SALT, Buffer.alloc(65)), /hash must/],
  ['anything endless', 'x'.repeat(100_000), /longer than/],
] as const)
  test(`a registered value that is ${what} is a fault that says so`, async (t) => {
    const { inspect } = await setUp(plugin)
    const found = inspect?.(aSecret('SharedSecret', value))
    t.regex(found?.fault ?? '', fault)
    t.false(value !== '' && found?.fault?.includes(value))
  })

test('beyond the queue a secret is refused as busy, not hashed', async (t) => {
  const validator = await setUp(plugin, { concurrency: 1, queue: 1 })
  const verdicts = await Promise.all(
    ['slow', 'other', 'third', 'fourth'].map((text) => ask(validator, text, [SLOW])),
  )
  t.true(verdicts[0]?.ok)
  t.like(verdicts[1], { reason: 'secret-mismatch' })
  t.like(verdicts[2], { reason: 'busy', considered: [{ secret: SLOW, reason: 'busy' }] })
  t.like(verdicts[3], { reason: 'busy' })
  t.like(await ask(validator, 'third', [SLOW]), { reason: 'secret-mismatch' })
})

test('a client that comes many times at once is hashed once', async (t) => {
  const validator = await setUp(plugin, { concurrency: 1, queue: 0 })
  const verdicts = await Promise.all(
    Array.from({ length: 50 }, () => ask(validator, 'slow', [SLOW])),
  )
  t.true(verdicts.every(({ ok }) => ok))
})

test('a proven secret is let in without hashing, a wrong one never is', async (t) => {
  const validator = await setUp(plugin, { concurrency: 1, queue: 0 })
  t.like(await ask(validator, 'wrong', [SLOW]), { reason: 'secret-mismatch' })
  t.true((await ask(validator, 'slow', [SLOW])).ok)
  const occupied = ask(validator, 'somebody else', [SLOW])
  t.like(await ask(validator, 'wrong', [SLOW]), { reason: 'busy' })
  t.true((await ask(validator, 'slow', [SLOW])).ok)
  t.true((await ask(validator, 'slow', [argon2id('old'), SLOW])).ok)
  await occupied
})

test('a proven secret counts for the registered value that proved it and no other', async (t) => {
  const validator = await setUp(plugin)
  t.true((await ask(validator, 'right', [argon2id('right')])).ok)
  t.like(await ask(validator, 'right', [argon2id('new')]), {
    reason: 'secret-mismatch',
  })
})

test('once any client uses argon2id, a wrong secret costs that much for every client', async (t) => {
  const validator = await setUp(plugin, { concurrency: 1, queue: 0 })
  const secret = sha256('right')
  t.like(await ask(validator, 'wrong', [secret]), { reason: 'secret-mismatch' })
  validator.inspect?.(SLOW)
  const occupied = ask(validator, 'slow', [SLOW])
  t.like(await ask(validator, 'wrong', [secret]), { reason: 'busy' })
  t.like(await ask(validator, 'wrong', validator.decoys ?? []), { reason: 'busy' })
  t.true((await ask(validator, 'right', [secret])).ok)
  await occupied
  t.like(await ask(validator, 'wrong', [secret]), { reason: 'secret-mismatch' })
})

test('of very many argon2id secrets only the first are tried', async (t) => {
  const validator = await setUp(plugin)
  const many = Array.from({ length: 9 }, (_, index) => argon2id(`secret ${index}`))
  t.true((await ask(validator, 'secret 7', many)).ok)
  const verdict = await ask(validator, 'secret 8', many)
  t.deepEqual(verdict.ok ? [] : verdict.considered?.map(({ reason }) => reason), [
    ...Array.from({ length: 8 }, () => 'secret-mismatch'),
    'not-tried',
  ])
})
