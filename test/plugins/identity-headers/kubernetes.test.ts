import test from 'ava'

import plugin from '../../../plugins/identity-headers/kubernetes.ts'
import { aForwarded } from '../../contract/build.ts'
import { setUp } from '../../contract/set-up.ts'

async function headersOf(options: unknown, scopes: readonly string[] = [], clientId = 'orders') {
  const part = await setUp(plugin, options)
  return part.headers({ clientId, scopes, method: 'bearer' }, aForwarded())
}

test('client id and scopes are told as user and extra', async (t) => {
  t.deepEqual(await headersOf({}, ['read', 'write']), {
    'X-Remote-User': 'orders',
    'X-Remote-Extra-Scope': ['read', 'write'],
  })
  t.deepEqual(await headersOf({}), { 'X-Remote-User': 'orders' })
})

test('groups come one by one, those of the options and the scopes', async (t) => {
  const options = { userPrefix: 'client:', groups: ['clients'], scopeGroupPrefix: 'scope:' }
  t.deepEqual(await headersOf(options, ['read', 'a|b,c']), {
    'X-Remote-User': 'client:orders',
    'X-Remote-Group': ['clients', 'scope:read', 'scope:a|b,c'],
    'X-Remote-Extra-Scope': ['read', 'a|b,c'],
  })
})

test('a scope that is called like a group is that group once', async (t) => {
  const { 'X-Remote-Group': groups } = await headersOf({ groups: ['read'], scopeGroupPrefix: '' }, [
    'read',
  ])
  t.deepEqual(groups, ['read'])
})

test('an id of other characters is encoded, one that is too long an error', async (t) => {
  t.like(await headersOf({}, [], 'bätch\n'), { 'X-Remote-User': 'b%C3%A4tch%0A' })
  await t.throwsAsync(headersOf({}, [], 'x'.repeat(257)), { instanceOf: RangeError })
})

for (const options of [
  { groups: [''] },
  { groups: ['a b'] },
  { groups: ['ä'] },
  { groups: ['a\r\nb'] },
  { userPrefix: 'ä' },
  { groupPrefix: 'x' },
])
  test(`the options ${JSON.stringify(options)} are refused`, async (t) => {
    await t.throwsAsync(setUp(plugin, options))
  })
