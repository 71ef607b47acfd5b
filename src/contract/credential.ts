import type { PeerCertificate } from './peer-certificate.ts'

/** The kinds of evidence. Open: a plugin adds its own by `declare module '#contract'`. */
export interface CredentialKinds {
  shared_secret: { readonly secret: string }
  certificate: { readonly peer: PeerCertificate }
  jwt_assertion: { readonly assertion: string }
  /** A JWT by which somebody else than the client says who it is. */
  federated_assertion: { readonly assertion: string; readonly assertionType: string }
}

export type CredentialKind = keyof CredentialKinds

/** How the text of a Basic header was read (RFC 6749 §2.3.1). */
export type BasicDecoding = 'strict' | 'raw' | 'either'

interface Evidence {
  /** Who the evidence says it is for; absent when only `lookupKeys` can tell. */
  readonly claimedClientId?: string
  /** Where the client may be found when the request names none: see `SecretInspection.lookupKeys`. */
  readonly lookupKeys?: readonly string[]
  /** The reading of a Basic header that this is; absent when both readings agree. */
  readonly reading?: 'strict' | 'raw'
}

/** Evidence presented with a request. */
export type Credential<K extends CredentialKind = CredentialKind> = {
  [P in K]: { readonly kind: P } & Evidence &
    CredentialKinds[P] & {
      /** The same evidence read the other way; both are checked, the client's settings say which counts. */
      readonly alternative?: { readonly kind: P } & Evidence & CredentialKinds[P]
    }
}[K]

/** The parser recognised its own method, but what was sent breaks its rules. */
export interface Malformed {
  /** A machine word, for the operator. */
  readonly malformed: string
  /** What was seen, never the secret itself. */
  readonly got?: string
  readonly want?: string
  readonly hint?: string
}
