import { secretClient } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import type { StartOptions } from '../support/start-sidecar.ts'

/** What libraries must form-encode and curl does not. */
export const SECRET = 'p+q%41 r&:=s'

/** A client for each way in. */
export async function registeredClients(): Promise<StartOptions> {
  const { client, selfSignedClient } = await pki()
  return {
    clients: [
      secretClient('secret', SECRET),
      secretClient('curl', SECRET, { basicDecoding: 'either' }),
      {
        clientId: 'signer',
        clientSecrets: [{ type: 'JWK', value: JSON.stringify(client.publicKeyJwk) }],
        allowedScopes: ['read', 'write'],
      },
      {
        clientId: 'named',
        clientSecrets: [{ type: 'X509Name', value: 'CN=client, O=Example' }],
        allowedScopes: ['read', 'write'],
      },
      {
        clientId: 'laptop',
        clientSecrets: [{ type: 'X509Thumbprint', value: selfSignedClient.x509.fingerprint256 }],
        allowedScopes: ['read', 'write'],
      },
    ],
    resources: [{ name: 'https://api.test', scopes: ['read', 'write'] }],
  }
}
