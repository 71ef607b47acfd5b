/** A distinguished name of a certificate, rendered in the notations that people register. */
export interface CertificateName {
  /** Equal for two names exactly when they are the same name, in either whole order (see `Names`). */
  readonly key: string
  /** As .NET and Windows show it: `CN=orders, O=Example`. */
  readonly dotnet: string
  /** RFC 4514: `CN=orders,O=Example`. */
  readonly rfc4514: string
  /** OpenSSL one-line: `O = Example, CN = orders`. */
  readonly openssl: string
}

export type AltNameType = 'dns' | 'uri' | 'ip' | 'email'

/** A name of the subjectAltName extension. */
export interface SubjectAltName {
  readonly type: AltNameType
  /** For people. */
  readonly text: string
  /** Equal for two names exactly when they are the same name of the same type (see `Names`). */
  readonly key: string
}

/** A certificate that stands for its owner, and nothing that was merely sent along with it. */
export interface PeerCertificate {
  /** The certificate, DER. */
  readonly raw: Uint8Array
  readonly subject: CertificateName
  readonly issuer: CertificateName
  /** Those that can be compared: wildcards, malformed names and names of other types are left out. */
  readonly subjectAltNames: readonly SubjectAltName[]
  readonly notBefore: Date
  readonly notAfter: Date
  /** SHA-1 over the DER, upper-case hexadecimal: .NET's `Thumbprint`. */
  readonly thumbprintSha1: string
  /** SHA-256 over the DER, upper-case hexadecimal. */
  readonly thumbprintSha256: string
  /** SHA-256 over the DER, base64url: RFC 8705 `x5t#S256`. */
  readonly x5tS256: string
  /** SHA-256 over the SubjectPublicKeyInfo, upper-case hexadecimal: the same after a renewal with the same key. */
  readonly spkiSha256: string
}
