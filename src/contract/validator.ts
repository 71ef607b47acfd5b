import type { Client, Secret } from './client.ts'
import type { Credential, CredentialKind } from './credential.ts'
import type { PeerCertificate } from './peer-certificate.ts'
import type { Refusal, Verdict } from './verdict.ts'

/** Remembers what may be used once only. */
export interface ReplayGuard {
  /**
   * Claims a key for the client of the attempt, atomically.
   * @returns true the first time, false when it was claimed before and that claim still holds.
   * @throws when the store cannot say: the caller refuses then.
   */
  claim(key: string, until: Date): Promise<boolean>
}

export type TrustVerdict = { readonly ok: true } | (Refusal & { readonly ok: false })

export interface TrustOptions {
  /** The set of anchors that counts; `default` when it is left out. */
  readonly anchors?: string
}

/** Chain validation as a service (RFC 5280 §6), with revocation as the set of anchors demands. */
export interface CertificateTrust {
  /**
   * Whether a valid path leads from a certificate to an anchor of the set, now: that of the connection, or one that
   * `Certificates.read` made of a message. A verdict with `retryable` says nothing of the certificate.
   */
  verify(peer: PeerCertificate, options?: TrustOptions): TrustVerdict | Promise<TrustVerdict>
}

/** Everything a validator may look at. */
export interface Attempt<K extends CredentialKind = CredentialKind> {
  readonly credential: Credential<K>
  /** For an unknown client a decoy, so that it costs what a wrong secret costs. */
  readonly client: Client
  /** The client's secrets that are unexpired, sound, and of a type that the validator declared. */
  readonly secrets: readonly Secret[]
  /** The values of `aud` that name us, the preferred one first. */
  readonly audiences: readonly string[]
  readonly now: Date
  readonly replay: ReplayGuard
  readonly trust: CertificateTrust
}

/** What loading a secret found. */
export interface SecretInspection {
  /** Set when the secret cannot be used; it is disabled then, its neighbours are not. */
  readonly fault?: string
  /** The property of the definition that the fault is about; `value` when it is left out. */
  readonly faultIn?: string
  /** Set when it can be used but somebody should look at it. */
  readonly warning?: string
  /** Keys under which the client is found when a request names none; a key of two clients finds neither. */
  readonly lookupKeys?: readonly string[]
  /** What no two secrets of a client may share, such as `kid orders-1`; the later one is disabled. */
  readonly identifiers?: readonly string[]
}

/** Checks a credential against registered secrets. Slot `validators`. */
export interface Validator<K extends CredentialKind = CredentialKind> {
  readonly accepts: K
  /** The secret types that it checks. One validator owns a type. */
  readonly secretTypes: readonly string[]
  /** The properties, beside the common ones, that a definition of its secrets may have. */
  readonly secretProperties?: readonly string[]
  /** Method names that its verdicts give, beside those of the parser, for the discovery documents. */
  readonly advertises?: readonly string[]
  /** The JWS algorithms that it accepts, for the discovery documents. */
  readonly signingAlgorithms?: readonly string[]
  /** Secrets to check against when a client has none that fit, so that the cost is the same. */
  readonly decoys?: readonly Secret[]
  /** Called once for each secret when the clients are loaded. Must not throw. */
  inspect?(secret: Secret): SecretInspection
  validate(attempt: Attempt<K>): Verdict | Promise<Verdict>
}
