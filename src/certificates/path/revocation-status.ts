import type { CrlSet } from './crl-set.ts'
import type { OcspAnswer } from './parse-ocsp.ts'
import type { ParsedCertificate } from './parse-certificate.ts'

/** What is known of one certificate. `got` says why it is not better known. */
export type RevocationStatus =
  | { readonly status: 'good' }
  | { readonly status: 'revoked'; readonly got: string }
  | { readonly status: 'unknown'; readonly got: string }

/** What is at hand to find out. */
export interface RevocationSources {
  /** Milliseconds since 1970. */
  readonly at: number
  readonly crls: CrlSet
  readonly answers: readonly OcspAnswer[]
  /** Certificates that may have signed a CRL for a CA of the path, from wherever. */
  readonly extras: readonly ParsedCertificate[]
  readonly allowSha1: boolean
}
