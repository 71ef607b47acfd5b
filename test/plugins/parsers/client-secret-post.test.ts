import test from 'ava'

import plugin from '../../../plugins/parsers/client-secret-post.ts'
import { aForm } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

const parser = await setUp(plugin)

test('client_id and client_secret make a credential', (t) => {
  t.deepEqual(parser.parse(aForm({ client_id: 'client', client_secret: 'se%20cr+et' })), {
    kind: 'shared_secret',
    claimedClientId: 'client',
    secret: 'se%20cr+et',
  })
})

test('client_id alone, and an empty secret, are no credential', (t) => {
  t.is(parser.parse(aForm({ client_id: 'client' })), undefined)
  t.is(parser.parse(aForm({ client_id: 'client', client_secret: '' })), undefined)
})

test('a request for the API is not its own', (t) => {
  const form = aForm({ client_id: 'client', client_secret: 'secret' })
  t.is(parser.parse({ ...form, purpose: 'api' }), undefined)
})

for (const [fields, malformed] of [
  [{ client_secret: 'secret' }, 'post-without-client-id'],
  [{ client_id: '', client_secret: 'secret' }, 'post-without-client-id'],
  [{ client_id: 'client', client_secret: 's'.repeat(101) }, 'post-secret-too-long'],
  [{ client_id: 'c'.repeat(101), client_secret: 'secret' }, 'post-id-too-long'],
  [{ client_id: 'client', client_secret: 'sec\u0000ret' }, 'post-control-characters'],
  [{ client_id: 'cli\nent', client_secret: 'secret' }, 'post-control-characters'],
] as const)
  test(`${JSON.stringify(fields).slice(0, 60)} is ${malformed}`, (t) => {
    t.like(parser.parse(aForm(fields)), { malformed })
  })

test('the limits are the last that fit, and can be changed', async (t) => {
  const form = aForm({ client_id: 'c'.repeat(100), client_secret: 's'.repeat(100) })
  t.like(parser.parse(form), { kind: 'shared_secret' })
  const narrow = await setUp(plugin, { maxIdLength: 99 })
  t.like(narrow.parse(form), { malformed: 'post-id-too-long' })
})
