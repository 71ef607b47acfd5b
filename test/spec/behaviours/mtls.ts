import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'
import path from 'node:path'

import type { ExecutionContext } from 'ava'

import { peerCertificate } from '../../../src/certificates/peer-certificate.ts'
import { corporaFolder } from '../../corpora/x509-corpus.ts'
import { pki } from '../../support/pki.ts'
import type { Identity } from '../../support/pki.ts'
import { startSidecar } from '../../support/start-sidecar.ts'
import { tokenRequest } from '../../support/token-request.ts'
import { assertKnown, assertNotKnown } from './checks.ts'
import type { Checks } from './checks.ts'

const NAME = 'CN=client, O=Example'

function definition(clientId: string, type: string, ...values: readonly string[]) {
  return { clientId, clientSecrets: values.map((value) => ({ type, value })) }
}

async function started(t: ExecutionContext, ...clients: readonly ReturnType<typeof definition>[]) {
  const running = await startSidecar(t, { clients })
  const ask = ({ cert, key }: Identity, clientId?: string) =>
    running.send(
      tokenRequest({ form: clientId === undefined ? {} : { client_id: clientId }, cert, key }),
    )
  const askBySecret = () =>
    running.send(tokenRequest({ form: { client_id: 'client', client_secret: 'secret' } }))
  return { ...running, ask, askBySecret }
}

const thumbprint = ({ x509 }: Identity) => x509.fingerprint256

export const mtlsChecks: Checks = {
  async 'ca-065'(t) {
    const { selfSignedClient } = await pki()
    const { ask } = await started(
      t,
      definition('client', 'X509Thumbprint', thumbprint(selfSignedClient)),
    )
    assertKnown(t, await ask(selfSignedClient, 'client'), 'client')
  },
  async 'ca-067'(t) {
    const { client } = await pki()
    const { askBySecret } = await started(
      t,
      definition('client', 'X509Thumbprint', thumbprint(client)),
    )
    assertNotKnown(t, await askBySecret())
  },
  async 'ca-069'(t) {
    const { ask } = await started(t, definition('client', 'X509Name', NAME))
    assertKnown(t, await ask((await pki()).client, 'client'), 'client')
  },
  async 'ca-071'(t) {
    const { askBySecret } = await started(t, definition('client', 'X509Name', NAME))
    assertNotKnown(t, await askBySecret())
  },
  async 'ca-073'(t) {
    const { expiredClient } = await pki()
    const { ask } = await started(
      t,
      definition('client', 'X509Thumbprint', thumbprint(expiredClient)),
    )
    assertNotKnown(t, await ask(expiredClient, 'client'))
  },
  async 'ca-075'(t) {
    const { ask } = await started(t, definition('client', 'X509Name', NAME))
    const { otherClient, selfSigned } = await pki()
    assertNotKnown(t, await ask(otherClient, 'client'))
    assertNotKnown(t, await ask(await selfSigned(), 'client'))
  },
  async 'ca-077'(t) {
    const { ask } = await started(t, definition('client', 'X509Name', NAME))
    assertKnown(t, await ask((await pki()).client), 'client')
    const twice = await started(
      t,
      definition('client', 'X509Name', NAME),
      definition('other', 'X509Name', NAME),
    )
    assertNotKnown(t, await twice.ask((await pki()).client))
  },
  async 'ca-079'(t) {
    const { ask } = await started(t, definition('client', 'X509Name', 'CN=client'))
    const { leaf } = await pki()
    assertNotKnown(t, await ask(await leaf({ subject: 'CN=client, CN=other' }), 'client'))
    assertNotKnown(t, await ask(await leaf({ subject: 'CN=other, CN=client' }), 'client'))
    assertKnown(t, await ask(await leaf({ subject: 'CN=client' }), 'client'), 'client')
  },
  'ca-081'(t) {
    const file = path.join(corporaFolder, 'client-auth', 'rfc-vectors.json')
    const vectors = JSON.parse(readFileSync(file, 'utf8')) as Record<string, { cert: string }>
    const { cert = '', ...rest } = { ...vectors['rfc8705-appendix-A'] }
    const peer = peerCertificate(new X509Certificate(Buffer.from(cert, 'base64')))
    t.is(peer.x5tS256, 'A4DtL2JmUMhAsvJj5tKyn64SqzmuXbMrJa0n761y5v0')
    t.is((rest as Record<string, string>)['x5t#S256'], peer.x5tS256)
  },
  async 'ca-083'(t) {
    const { selfSigned } = await pki()
    const [old, next] = [await selfSigned(), await selfSigned()]
    const { ask, sidecar, write } = await started(
      t,
      definition('client', 'X509Thumbprint', thumbprint(old)),
    )
    assertKnown(t, await ask(old, 'client'), 'client')
    assertNotKnown(t, await ask(next, 'client'))
    const rotate = async (...certificates: readonly Identity[]) => {
      const values = certificates.map(thumbprint)
      const clients = [definition('client', 'X509Thumbprint', ...values)]
      write('clients.yaml', JSON.stringify({ clients }))
      t.true(await sidecar.reload())
    }
    await rotate(old, next)
    assertKnown(t, await ask(old, 'client'), 'client')
    assertKnown(t, await ask(next, 'client'), 'client')
    await rotate(next)
    assertNotKnown(t, await ask(old, 'client'))
  },
}
