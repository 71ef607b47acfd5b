// The peer at the token endpoint: argv is port, key, certificate. `resource=urn:jwt` asks for a JWT, none for an opaque token.
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { createServer } from 'node:https'

console.info = console.warn = () => undefined
const { default: Provider } = await import('oidc-provider')
const [port, key, cert] = process.argv.slice(2)
const { privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const provider = new Provider(`https://localhost:${port}`, {
  clients: [
    {
      client_id: 'batch',
      client_secret: 'a-generated-secret-of-the-benchmark',
      grant_types: ['client_credentials'],
      response_types: [],
      redirect_uris: [],
      token_endpoint_auth_method: 'client_secret_basic',
      id_token_signed_response_alg: 'ES256',
    },
  ],
  scopes: ['read'],
  jwks: { keys: [{ ...privateKey.export({ format: 'jwk' }), kid: 'k', use: 'sig', alg: 'ES256' }] },
  features: {
    devInteractions: { enabled: false },
    clientCredentials: { enabled: true },
    resourceIndicators: {
      enabled: true,
      defaultResource: () => undefined,
      getResourceServerInfo: () => ({
        scope: 'read',
        audience: 'urn:jwt',
        accessTokenFormat: 'jwt',
        jwt: { sign: { alg: 'ES256' } },
      }),
    },
  },
})
const files = { key: readFileSync(key), cert: readFileSync(cert) }
createServer(files, provider.callback()).listen(Number(port), '127.0.0.1')
