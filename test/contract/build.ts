import { generateKeyPairSync, X509Certificate, hash } from 'node:crypto'

import type {
  Attempt,
  AuthRequest,
  Client,
  Credential,
  CredentialKind,
  ForwardedRequest,
  PeerCertificate,
  PluginHost,
  Secret,
} from '#contract'

import { names } from '../../src/certificates/names.ts'
import { certificates } from '../../src/certificates/peer-of-message.ts'
import { asHeaderValue } from '../../src/plugin-host/as-header-value.ts'
import { jwtSigner } from '../../src/tokens/jwt-signer.ts'

export function aRequest(overrides: Partial<AuthRequest> = {}): AuthRequest {
  return {
    purpose: 'token',
    method: 'POST',
    path: '/connect/token',
    headers: {},
    form: new Map(),
    ...overrides,
  }
}

export function aForm(fields: Readonly<Record<string, string>>): AuthRequest {
  return aRequest({ form: new Map(Object.entries(fields)) })
}

/** The certificate of RFC 8705 appendix A: `CN=mtls`, self-signed, expired in May 2022. */
export const RFC8705_CERTIFICATE = `MIIBBjCBrAIBAjAKBggqhkjOPQQDAjAPMQ0wCwYDVQQDDARtdGxzMB4XDTE4MTAxODEy
MzcwOVoXDTIyMDUwMjEyMzcwOVowDzENMAsGA1UEAwwEbXRsczBZMBMGByqGSM49AgEGCCqGSM49AwEHA0IABNcnyxwq
V6hY8QnhxxzFQ03C7HKW9OylMbnQZjjJ/Au08/coZwxS7LfA4vOLS9WuneIXhbGGWvsDSb0tH6IxLm8wCgYIKoZIzj0E
AwIDSQAwRgIhAP0RC1E+vwJD/D1AGHGzuri+hlV/PpQEKTWUVeORWz83AiEA5x2eXZOVbUlJSGQgjwD5vaUaKlLR50Q2
DmFfQj1L+SY=`

/** A moment at which that certificate is valid. */
export const IN_2020 = new Date('2020-06-01T12:00:00Z')

/** What a handshake with a certificate looks like to a plugin. Its names are made up, its hashes are not. */
export function aPeer(overrides: Partial<PeerCertificate> = {}): PeerCertificate {
  const certificate = new X509Certificate(Buffer.from(RFC8705_CERTIFICATE, 'base64'))
  const { raw, publicKey, validFromDate: notBefore, validToDate: notAfter } = certificate
  const name = aName('CN=mtls')
  return {
    raw,
    subject: name,
    issuer: name,
    notBefore,
    notAfter,
    thumbprintSha1: hash('sha1', raw, 'hex').toUpperCase(),
    thumbprintSha256: hash('sha256', raw, 'hex').toUpperCase(),
    x5tS256: hash('sha256', raw, 'base64url'),
    subjectAltNames: [],
    spkiSha256: hash(
      'sha256',
      publicKey.export({ format: 'der', type: 'spki' }),
      'hex',
    ).toUpperCase(),
    ...overrides,
  }
}

export function aName(text: string): PeerCertificate['subject'] {
  const reading = names.read(text)
  return { key: reading.ok ? reading.key : '', dotnet: text, rfc4514: text, openssl: text }
}

/** A request on its way to the upstream. */
export function aForwarded(overrides: Partial<ForwardedRequest> = {}): ForwardedRequest {
  const upstream = 'http://127.0.0.1:8080'
  return { method: 'GET', path: '/', requestId: 'r-1', upstream, ...overrides }
}

export function aSecret(
  type: string,
  value: string,
  properties: Readonly<Record<string, unknown>> = {},
): Secret {
  return { type, value, properties }
}

export function aClient(overrides: Partial<Client> = {}): Client {
  return {
    clientId: 'orders',
    enabled: true,
    clientSecrets: [],
    requireClientSecret: true,
    allowedGrantTypes: ['client_credentials'],
    allowedScopes: [],
    accessTokenType: 'Jwt',
    accessTokenLifetime: 3600,
    claims: [],
    clientClaimsPrefix: 'client_',
    basicDecoding: 'strict',
    ...overrides,
  }
}

export const ISSUER = 'https://auth.example'
export const TOKEN_ENDPOINT = 'https://auth.example/connect/token'

export function anAttempt<K extends CredentialKind>(
  credential: Credential<K>,
  secrets: readonly Secret[],
  overrides: Partial<Attempt<K>> = {},
): Attempt<K> {
  return {
    credential,
    client: aClient({ clientSecrets: secrets }),
    secrets,
    audiences: [ISSUER, TOKEN_ENDPOINT],
    now: IN_2020,
    replay: { claim: async () => true },
    trust: { verify: () => ({ ok: true }) },
    ...overrides,
  }
}

/** The keys of the signer that `aHost` has. */
export const SIGNING_KEYS = generateKeyPairSync('ec', { namedCurve: 'P-256' })

const signer = jwtSigner(ISSUER)
signer.use(() => ({ kid: 'key-1', algorithm: 'ES256', keyObject: SIGNING_KEYS.privateKey }))

export interface TestHost extends PluginHost {
  /** What was logged. */
  readonly lines: string[]
}

export function aHost(overrides: Partial<PluginHost> = {}): TestHost {
  const lines: string[] = []
  return {
    lines,
    log: {
      info: (message) => void lines.push(`info ${message}`),
      warn: (message) => void lines.push(`warn ${message}`),
    },
    names,
    certificates,
    signer,
    asHeaderValue,
    anchorSets: ['default', 'tenant-a'],
    compatibility: 'none',
    resolve: (path) => path,
    readFile: (path) => ({ at: path, message: 'is not there' }),
    ...overrides,
  }
}
