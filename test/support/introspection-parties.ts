import type { Identity } from './pki.ts'
import { pki } from './pki.ts'
import type { Asker } from './ask-about-token.ts'
import { secretClient, sha256 } from './clients.ts'
import type { StartOptions } from './start-sidecar.ts'

const SECRET = 'a generated secret'
export const BATCH: Asker = ['batch', SECRET]
export const HANDLES: Asker = ['handles', SECRET]
/** A resource. */
export const ORDERS: Asker = ['orders', 'the secret of an API']

const allowedScopes = ['read', 'write', 'bill']
const claims = [{ type: 'tenant', value: 'acme' }]
const secret = (text: string) => ({ value: sha256(text), description: 'shared' })

export const CLIENTS = [
  secretClient(...BATCH, { allowedScopes, claims }),
  secretClient(...HANDLES, { allowedScopes, claims, accessTokenType: 'Reference' }),
  secretClient('forger', SECRET, {
    clientClaimsPrefix: '',
    claims: ['active', 'token_type', 'scope', 'username'].map((type) => ({
      type,
      value: 'forged',
    })),
  }),
  { clientId: 'open', requireClientSecret: false, allowedScopes },
]

/** The resource `orders` with one secret. */
export const RESOURCES = [
  { name: 'orders', scopes: ['read', 'write'], apiSecrets: [secret(ORDERS[1])] },
]

/** Those who ask about tokens, and what some of them sign with. */
export interface Parties {
  readonly options: StartOptions
  /** Of the resources `orders` and `twin`. */
  readonly resourceKey: Identity
  /** Of the client `twin`. */
  readonly clientKey: Identity
}

export async function introspectionParties(): Promise<Parties> {
  const { client, leaf } = await pki()
  const [resourceKey, clientKey] = await Promise.all([leaf(), leaf()])
  const jwk = ({ publicKeyJwk }: Identity) => JSON.stringify(publicKeyJwk)
  const twin = {
    clientId: 'twin',
    clientSecrets: [secret(SECRET), { type: 'JWK', value: jwk(clientKey) }],
    allowedScopes,
  }
  const bound = {
    clientId: 'bound',
    clientSecrets: [{ type: 'X509Thumbprint', value: client.x509.fingerprint256 }],
    allowedScopes,
  }
  const resources = [
    {
      name: 'orders',
      scopes: ['read', 'write'],
      apiSecrets: [
        secret(ORDERS[1]),
        { ...secret('of last year'), expiration: '2020-01-01' },
        { type: 'X509CertificateThumbprint', value: resourceKey.x509.fingerprint256 },
        { type: 'JsonWebKey', value: jwk(resourceKey) },
      ],
    },
    { name: 'invoices', scopes: ['bill', 'write'], apiSecrets: [secret('i')] },
    {
      name: 'twin',
      scopes: ['read'],
      apiSecrets: [secret('t'), { type: 'JWK', value: jwk(resourceKey) }],
    },
    { name: 'closed', enabled: false, scopes: ['read'], apiSecrets: [secret('c')] },
    { name: 'mute', scopes: ['read'] },
  ]
  const options = { clients: [...CLIENTS, twin, bound], resources }
  return { options, resourceKey, clientKey }
}
