import test from 'ava'

import { secretClient } from '../support/clients.ts'
import { basic } from '../support/send.ts'
import { sendRaw } from '../support/send-raw.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { GRANT, TOKEN } from '../support/token-request.ts'

const SECRET = 'canary-of-a-secret'

const running = sharedSidecar(test, { clients: [secretClient('batch', SECRET)] })

test('a secret in the user part of a target does not reach the log', async (t) => {
  const { port, pki, log } = running()
  const request = `GET http://batch:${SECRET}@sidecar.test/ HTTP/1.1\r\nHost: sidecar.test\r\n\r\n`
  t.regex(await sendRaw(port, pki.rootCa.pem, request), /^HTTP\/1\.1 400/)
  t.false(JSON.stringify(log).includes(SECRET))
})

test('a secret where a name of the form belongs does not reach the log', async (t) => {
  const body = `${SECRET}&${SECRET}`
  const headers = { 'content-type': 'application/x-www-form-urlencoded' }
  const answer = await running().send({ path: TOKEN, body, headers })
  t.is(answer.status, 400)
  t.is(running().refusalOf(answer)?.['reason'], 'repeated-parameter')
  t.false(JSON.stringify(running().log).includes(SECRET))
})

test('a secret where the id belongs does not reach the log when the form names the client', async (t) => {
  const answer = await running().send({
    path: TOKEN,
    form: { ...GRANT, client_id: 'batch' },
    headers: { authorization: basic(SECRET, 'batch') },
  })
  t.is(answer.status, 400)
  t.is(running().refusalOf(answer)?.['reason'], 'client-id-mismatch')
  t.false(JSON.stringify(running().log).includes(SECRET))
})
