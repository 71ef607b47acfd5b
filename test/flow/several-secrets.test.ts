import { argon2Sync, createHash, randomBytes } from 'node:crypto'

import test from 'ava'

import { secretClient, sha256 } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { startSidecar } from '../support/start-sidecar.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { assertRefused, INVALID_CLIENT, tokenOf, tokenRequest } from '../support/token-request.ts'

const YESTERDAY = new Date(Date.now() - 86_400_000).toISOString()
const TOMORROW = new Date(Date.now() + 86_400_000).toISOString()

const running = sharedSidecar(test, async () => {
  const { client, selfSignedClient } = await pki()
  return {
    clients: [
      {
        clientId: 'rotating',
        clientSecrets: [
          { value: sha256('last year'), description: 'last year', expiration: YESTERDAY },
          { value: sha256('this year'), description: 'this year', expiration: TOMORROW },
          { value: sha512('next year'), description: 'next year' },
          { value: argon2id('in two years'), description: 'in two years' },
        ],
      },
      {
        clientId: 'expired',
        clientSecrets: [
          { value: sha256('old'), description: 'the only one', expiration: YESTERDAY },
        ],
      },
      {
        clientId: 'half broken',
        clientSecrets: [
          { value: 'the plain secret', description: 'not hashed' },
          { value: sha256('good'), description: 'sound' },
          { type: 'X509Thumbprint', value: 'no thumbprint', description: 'malformed' },
          { type: 'Unheard', value: 'of', description: 'of no known type' },
          { value: sha256('other'), description: 'with a typo', expiraton: TOMORROW },
        ],
      },
      secretClient('disabled', 'right', { enabled: false }),
      { clientId: 'none', clientSecrets: [] },
      {
        clientId: 'many kinds',
        clientSecrets: [
          { value: sha256('shared'), description: 'shared' },
          { type: 'X509Thumbprint', value: client.x509.fingerprint256 },
          { type: 'X509Name', value: 'CN=somebody else', description: 'name' },
          { type: 'JWK', value: JSON.stringify(selfSignedClient.publicKeyJwk) },
        ],
      },
      {
        clientId: 'expired thumbprint',
        clientSecrets: [
          {
            type: 'X509Thumbprint',
            value: client.x509.fingerprint256,
            description: 'old laptop',
            expiration: YESTERDAY,
          },
        ],
      },
    ],
  }
})

function sha512(text: string): string {
  return createHash('sha512').update(text).digest('base64')
}

function argon2id(text: string): string {
  const [memory, passes, parallelism, nonce] = [64, 1, 1, randomBytes(16)]
  const input = { message: text, nonce, parallelism, tagLength: 32, memory, passes }
  const unpadded = (bytes: Buffer) => bytes.toString('base64').replace(/=+$/, '')
  const digest = argon2Sync('argon2id', input)
  return `$argon2id$v=19$m=${memory},t=${passes},p=${parallelism}$${unpadded(nonce)}$${unpadded(digest)}`
}

function ask(clientId: string, secret: string) {
  return running().send(tokenRequest({ form: { client_id: clientId, client_secret: secret } }))
}

for (const secret of ['this year', 'next year', 'in two years']) {
  test(`while secrets rotate, the one for ${secret} is good`, async (t) => {
    tokenOf(t, await ask('rotating', secret))
  })
}

test('an expired secret is refused, and each that was considered is named', async (t) => {
  assertRefused(t, running(), await ask('rotating', 'last year'), {
    ...INVALID_CLIENT,
    reason: 'secret-mismatch',
    line: {
      considered: [
        { secret: 'last year', type: 'SharedSecret', reason: 'secret-expired', got: YESTERDAY },
        { secret: 'this year', type: 'SharedSecret', reason: 'secret-mismatch' },
        { secret: 'next year', type: 'SharedSecret', reason: 'secret-mismatch' },
        { secret: 'in two years', type: 'SharedSecret', reason: 'secret-mismatch' },
      ],
    },
  })
})

test('a client whose every secret has expired is refused for that reason', async (t) => {
  assertRefused(t, running(), await ask('expired', 'old'), {
    ...INVALID_CLIENT,
    reason: 'secret-expired',
    line: { considered: [{ secret: 'the only one', reason: 'secret-expired', got: YESTERDAY }] },
  })
  const { cert, key } = (await pki()).client
  const form = { client_id: 'expired thumbprint' }
  assertRefused(t, running(), await running().send(tokenRequest({ form, cert, key })), {
    ...INVALID_CLIENT,
    reason: 'secret-expired',
    line: { considered: [{ secret: 'old laptop', reason: 'secret-expired' }] },
  })
})

test('a malformed secret is left out with a warning, and its neighbours count', async (t) => {
  tokenOf(t, await ask('half broken', 'good'))
  for (const secret of ['the plain secret', 'other']) {
    assertRefused(t, running(), await ask('half broken', secret), {
      ...INVALID_CLIENT,
      reason: 'secret-mismatch',
    })
  }
  const warnings = running().log.filter(({ event }) => event === 'config.disabled')
  const named = warnings.map((line) => /secret "(.*?)"/.exec(String(line['message']))?.[1])
  t.deepEqual(named, ['not hashed', 'malformed', 'of no known type', 'with a typo'])
  for (const { at } of warnings) t.regex(String(at), /^clients\.yaml:\d+:\d+$/)
})

test('a client without a secret is refused whatever it presents', async (t) => {
  assertRefused(t, running(), await ask('none', 'anything'), {
    ...INVALID_CLIENT,
    reason: 'secret-none',
    line: { got: 'no secrets', want: 'SharedSecret' },
  })
})

test('a secret of another type than what is presented does not count', async (t) => {
  const { cert, key } = (await pki()).selfSignedClient
  const answer = await running().send(tokenRequest({ form: { client_id: 'disabled' }, cert, key }))
  assertRefused(t, running(), answer, { ...INVALID_CLIENT, reason: 'client-disabled' })
  const other = await running().send(tokenRequest({ form: { client_id: 'rotating' }, cert, key }))
  assertRefused(t, running(), other, {
    ...INVALID_CLIENT,
    reason: 'secret-none',
    line: { got: 'secrets of type SharedSecret' },
  })
})

test('a disabled client is refused with the right secret', async (t) => {
  assertRefused(t, running(), await ask('disabled', 'right'), {
    ...INVALID_CLIENT,
    reason: 'client-disabled',
    line: { claimedClient: 'disabled' },
  })
})

test('a client may have secrets of several types, and of each what came closest is told', async (t) => {
  tokenOf(t, await ask('many kinds', 'shared'))
  const { client, otherClient } = await pki()
  const form = { client_id: 'many kinds' }
  tokenOf(t, await running().send(tokenRequest({ form, cert: client.cert, key: client.key })))
  const { cert, key } = otherClient
  const answer = await running().send(tokenRequest({ form, cert, key }))
  assertRefused(t, running(), answer, { ...INVALID_CLIENT, reason: 'cert-subject-mismatch' })
  const considered = running().refusalOf(answer)?.['considered'] as { reason: string }[]
  t.deepEqual(
    considered.map(({ reason }) => reason),
    ['cert-subject-mismatch', 'cert-thumbprint-unknown'],
  )
})

test('a secret is rotated by a reload, and the old one is good until then only', async (t) => {
  const rotating = await startSidecar(t, { clients: [secretClient('batch', 'before')] })
  const form = (secret: string) => ({ client_id: 'batch', client_secret: secret })
  tokenOf(t, await rotating.send(tokenRequest({ form: form('before') })))
  rotating.write('clients.yaml', JSON.stringify({ clients: [secretClient('batch', 'after')] }))
  t.true(await rotating.sidecar.reload())
  tokenOf(t, await rotating.send(tokenRequest({ form: form('after') })))
  const answer = await rotating.send(tokenRequest({ form: form('before') }))
  assertRefused(t, rotating, answer, { ...INVALID_CLIENT, reason: 'secret-mismatch' })
})

test('a reload of a broken file changes nothing', async (t) => {
  const rotating = await startSidecar(t, { clients: [secretClient('batch', 'before')] })
  rotating.write('clients.yaml', '{ clients: [ { clientId: ')
  t.false(await rotating.sidecar.reload())
  const form = { client_id: 'batch', client_secret: 'before' }
  tokenOf(t, await rotating.send(tokenRequest({ form })))
})
