import { issueCertificate } from '../../src/certificates/issue-certificate.ts'
import type { IssuedCertificate, IssueOptions } from '../../src/certificates/issue-certificate.ts'

/** A certificate with what node:tls wants: `cert` is the chain to send, `key` the private key, both PEM. */
export interface Identity extends IssuedCertificate {
  readonly cert: string
  readonly key: string
}

/** Authorities and leaves. Those that should be valid began a day ago and end in a year. */
export interface Pki {
  readonly rootCa: Identity
  /** Signed by `rootCa`. */
  readonly intermediateCa: Identity
  /** Nobody trusts it. */
  readonly otherCa: Identity
  /** localhost, 127.0.0.1 and ::1. */
  readonly server: Identity
  /** `CN=client, O=Example`, signed by `rootCa`. */
  readonly client: Identity
  /** Signed by `intermediateCa`, which `cert` carries. */
  readonly intermediateClient: Identity
  /** Named as `client`, signed by `otherCa`. */
  readonly otherClient: Identity
  readonly selfSignedClient: Identity
  readonly expiredClient: Identity
  readonly notYetValidClient: Identity
  /** Extended key usage serverAuth only. */
  readonly serverAuthClient: Identity
  /** As `client`, with an RSA key; made when asked for. */
  rsaClient(): Promise<Identity>
  /** Another leaf: a client of `rootCa` but for what the options say. */
  leaf(options?: Partial<IssueOptions>): Promise<Identity>
  /** Named as `client`, signed by itself, but for what the options say. */
  selfSigned(options?: Partial<IssueOptions>): Promise<Identity>
}

let made: Promise<Pki> | undefined

/** The PKI of this test file; made once. */
export function pki(): Promise<Pki> {
  return (made ??= make(Date.now()))
}

const DAY = 86_400_000

async function make(now: number): Promise<Pki> {
  const times = { notBefore: new Date(now - DAY), notAfter: new Date(now + 365 * DAY) }
  const authority = async (commonName: string, options: Partial<IssueOptions> = {}) =>
    identity(
      await issueCertificate({
        subject: `CN=${commonName}, O=Example`,
        ca: true,
        ...times,
        ...options,
      }),
    )
  const [rootCa, otherCa] = await Promise.all([authority('Root CA'), authority('Other CA')])
  const intermediateCa = await authority('Intermediate CA', { issuer: rootCa, pathLength: 0 })

  const client = { subject: 'CN=client, O=Example', extendedKeyUsage: ['clientAuth'], ...times }
  const leaf = async (options: Partial<IssueOptions> = {}) =>
    identity(await issueCertificate({ ...client, issuer: rootCa, ...options }))
  const selfSigned = async (options: Partial<IssueOptions> = {}) =>
    identity(await issueCertificate({ ...client, ...options }))
  let rsa: Promise<Identity> | undefined
  const [server, plain, below, other, expired, early, wrongUse, self] = await Promise.all([
    leaf({
      subject: 'CN=localhost',
      extendedKeyUsage: ['serverAuth'],
      sans: { dns: ['localhost'], ip: ['127.0.0.1', '::1'] },
    }),
    leaf(),
    leaf({ issuer: intermediateCa }),
    leaf({ issuer: otherCa }),
    leaf({ notBefore: new Date(now - 2 * DAY), notAfter: new Date(now - DAY) }),
    leaf({ notBefore: new Date(now + DAY) }),
    leaf({ extendedKeyUsage: ['serverAuth'] }),
    selfSigned({ subject: 'CN=self-signed client, O=Example' }),
  ])
  return {
    rootCa,
    intermediateCa,
    otherCa,
    server,
    client: plain,
    intermediateClient: { ...below, cert: below.pem + intermediateCa.pem },
    otherClient: other,
    selfSignedClient: self,
    expiredClient: expired,
    notYetValidClient: early,
    serverAuthClient: wrongUse,
    rsaClient: () => (rsa ??= leaf({ keyAlgorithm: 'RS256' })),
    leaf,
    selfSigned,
  }
}

function identity(issued: IssuedCertificate): Identity {
  return { ...issued, cert: issued.pem, key: issued.privateKeyPem }
}
