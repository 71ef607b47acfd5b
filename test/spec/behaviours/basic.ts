import { secretClient } from '../../support/clients.ts'
import { basic, rawBasic } from '../../support/send.ts'
import { startSidecar } from '../../support/start-sidecar.ts'
import type { StartOptions } from '../../support/start-sidecar.ts'
import { tokenRequest } from '../../support/token-request.ts'
import { assertInvalidRequest, assertKnown, assertNotKnown } from './checks.ts'
import type { Check, Checks } from './checks.ts'

const CLIENT: StartOptions = { clients: [secretClient('client-basic', 'secret')] }
const byHeader = (authorization: string) => tokenRequest({ headers: { authorization } })

function known(id: string, secret: string): Check {
  return async (t) => {
    const { send } = await startSidecar(t, { clients: [secretClient(id, secret)] })
    assertKnown(t, await send(byHeader(basic(id, secret))), id)
  }
}

function refused(authorization: string): Check {
  return async (t) => {
    const { send } = await startSidecar(t, CLIENT)
    assertNotKnown(t, await send(byHeader(authorization)))
  }
}

/** What is as long as it may be is known, one character more is not. */
function limit(id: number, secret: number): Check {
  return async (t) => {
    const [longId, longSecret] = ['i'.repeat(Math.min(id, 100)), '%'.repeat(secret)]
    const { send } = await startSidecar(t, {
      settings: {
        plugins: {
          options: { 'parsers/client-secret-basic': { maxIdLength: id, maxSecretLength: secret } },
        },
      },
      clients: [secretClient(longId, longSecret), secretClient('over', `${longSecret}x`)],
    })
    assertKnown(t, await send(byHeader(basic(longId, longSecret))), longId)
    assertNotKnown(t, await send(byHeader(basic('over', `${longSecret}x`))))
  }
}

export const basicChecks: Checks = {
  'ca-001': known('client', 'secret'),
  'ca-003': known('cl ient', 'se cret'),
  'ca-005': known('cl+ ient', 'se+cret'),
  'ca-007': known('client:urn', 'secret'),
  'ca-009': known('an:identifier', 'some secure & non-standard secret'),
  'ca-011': refused(''),
  'ca-013': refused('Basic'),
  'ca-015': refused('Basic somerandomdata'),
  'ca-017': refused('Basic Y2xpZW50LWJhc2ljOnNlY3JldA==!'),
  'ca-019': refused('Bearer foo'),
  async 'ca-021'(t) {
    const secret = 's'.repeat(101)
    const { send } = await startSidecar(t, { clients: [secretClient('client', secret)] })
    assertNotKnown(t, await send(byHeader(basic('client', secret))))
  },
  'ca-023': limit(100, 100),
  'ca-025': limit(104, 104),
  'ca-027': limit(108, 108),
  async 'ca-029'(t) {
    const { send } = await startSidecar(t, CLIENT)
    const unknown = await send(byHeader(basic('nobody', 'secret')))
    const wrong = await send(byHeader(basic('client-basic', 'wrong')))
    t.is(unknown.status, 401)
    t.is(unknown.json()['error'], 'invalid_client')
    t.is(wrong.status, 401)
    t.is(wrong.text, unknown.text)
  },
  async 'ca-031'(t) {
    const { send } = await startSidecar(t, CLIENT)
    const form = { client_id: 'client-basic-other' }
    const headers = { authorization: basic('client-basic', 'secret') }
    assertInvalidRequest(t, await send(tokenRequest({ form, headers })))
  },
  async 'ca-033'(t) {
    const { send } = await startSidecar(t, CLIENT)
    const form = { client_secret: 'secret' }
    const headers = { authorization: basic('client-basic', 'secret') }
    assertInvalidRequest(t, await send(tokenRequest({ form, headers })))
  },
  async 'ca-035'(t) {
    const { send } = await startSidecar(t, CLIENT)
    for (const scheme of ['basic', 'BASIC', 'bAsIc']) {
      const header = basic('client-basic', 'secret').replace('Basic', scheme)
      assertKnown(t, await send(byHeader(header)), 'client-basic')
    }
  },
  async 'ca-037'(t) {
    const { send } = await startSidecar(t, { clients: [secretClient('clïent', 'secret')] })
    assertKnown(t, await send(byHeader(basic('clïent', 'secret'))), 'clïent')
    assertKnown(t, await send(byHeader(rawBasic('cl%C3%AFent', 'secret'))), 'clïent')
    const latin1 = Buffer.from('clïent:secret', 'latin1').toString('base64')
    assertNotKnown(t, await send(byHeader(`Basic ${latin1}`)))
  },
}
