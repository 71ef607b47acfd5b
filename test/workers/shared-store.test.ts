import ava from 'ava'

import { serve } from '../commands/support/vouchgate.ts'
import { aboutToken, REVOCATION } from '../support/ask-about-token.ts'
import type { Asker } from '../support/ask-about-token.ts'
import { secretClient } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { redisServer, redisTest } from '../support/redis-server.ts'
import { basic, send } from '../support/send.ts'
import { signAssertion } from '../support/sign-assertion.ts'
import { tokenOf, tokenRequest } from '../support/token-request.ts'
import { eachWorker } from './support/each-worker.ts'

const test = redisTest(ava)

const HANDLES: Asker = ['handles', 'a generated secret']
/** Where nothing is to be said of time, the machine may be busy. */
const PATIENT = { commandTimeout: '20s', connectTimeout: '20s' }

test('with a store that replicas share each worker has its own connection, and the same state', async (t) => {
  const redis = await redisServer(t)
  const { client } = await pki()
  const key = { type: 'JWK', value: JSON.stringify(client.publicKeyJwk) }
  const running = await serve(t, {
    settings: {
      workers: 2,
      state: { use: 'redis', port: redis.port, ...PATIENT },
      plugins: { timeLimit: '20s' },
    },
    clients: [
      secretClient(...HANDLES, { accessTokenType: 'Reference' }),
      { clientId: 'signer', clientSecrets: [key], allowedScopes: ['read'] },
    ],
  })
  const workers = await eachWorker(t, running)

  const form = await signAssertion('signer', client.privateKeyJwk)
  const answers = await Promise.all(
    [...workers, ...workers].map((worker) => worker.send(tokenRequest({ form }))),
  )
  t.is(answers.filter(({ status }) => status === 200).length, 1)

  const headers = { authorization: basic(...HANDLES) }
  const ca = running.pki.rootCa.pem
  const token = tokenOf(t, await send(running.port, ca, tokenRequest({ headers })))
  const call = { path: '/orders', headers: { authorization: `Bearer ${token}` } }
  for (const worker of workers) t.is((await worker.send(call)).status, 200)
  t.is((await workers[1].send(aboutToken(REVOCATION, token, HANDLES))).status, 200)
  for (const worker of workers) {
    let { status } = await worker.send(call)
    while (status === 200) ({ status } = await worker.send(call))
    t.is(status, 401)
  }

  const says = running.log.filter(({ event }) => event === 'plugin.says')
  t.true(says.some(({ worker }) => worker === 1) && says.some(({ worker }) => worker === 2))
  t.false(running.log.some(({ event }) => event === 'state.local'))
  running.child.kill('SIGTERM')
  t.is(await running.ended, 0)
})
