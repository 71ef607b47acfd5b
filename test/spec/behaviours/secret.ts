import { sha256 } from '../../support/clients.ts'
import type { Received } from '../../support/send.ts'
import { startSidecar } from '../../support/start-sidecar.ts'
import type { Running } from '../../support/start-sidecar.ts'
import { tokenRequest } from '../../support/token-request.ts'
import { assertKnown, assertNotKnown } from './checks.ts'
import type { Checks } from './checks.ts'
import type { ExecutionContext } from 'ava'

interface Asking extends Running {
  ask(secret: string): Promise<Received>
}

async function client(t: ExecutionContext, ...values: readonly string[]): Promise<Asking> {
  const clientSecrets = values.map((value) => ({ value }))
  const running = await startSidecar(t, { clients: [{ clientId: 'client', clientSecrets }] })
  return {
    ...running,
    ask: (secret) =>
      running.send(tokenRequest({ form: { client_id: 'client', client_secret: secret } })),
  }
}

export const secretChecks: Checks = {
  async 'ca-055'(t) {
    assertKnown(t, await (await client(t, sha256('right'))).ask('right'), 'client')
  },
  async 'ca-057'(t) {
    const { ask } = await client(t, sha256('first'), sha256('second'), sha256('third'))
    for (const secret of ['first', 'second', 'third']) assertKnown(t, await ask(secret), 'client')
    assertNotKnown(t, await ask('fourth'))
  },
  async 'ca-059'(t) {
    assertNotKnown(t, await (await client(t)).ask('anything'))
  },
  async 'ca-061'(t) {
    const md5 = Buffer.alloc(16).toString('base64')
    const { ask, log } = await client(t, md5, '!malformed', sha256('right'))
    assertKnown(t, await ask('right'), 'client')
    assertNotKnown(t, await ask('!malformed'))
    t.is(log.filter(({ event }) => event === 'config.disabled').length, 2)
  },
  async 'ca-063'(t) {
    assertNotKnown(t, await (await client(t, sha256('right'))).ask(sha256('right')))
  },
}
