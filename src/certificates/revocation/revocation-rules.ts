/** How revocation counts for a set of anchors. */
export interface RevocationRules {
  /** Whose revocation is looked at: nobody's, the leaf's, or that of all but the anchor. */
  readonly mode: 'off' | 'leaf' | 'chain'
  /** `soft`: a certificate of which nothing is known is accepted. One known to be revoked never is. */
  readonly policy: 'hard' | 'soft'
  /** Milliseconds that a CRL or an answer counts beyond its nextUpdate. */
  readonly grace: number
  /** Absent: nothing is fetched. */
  readonly fetch?: FetchRules | undefined
}

export interface FetchRules {
  /** `host` or `host:port`, in lower case. */
  readonly hosts: readonly string[]
  readonly crl: boolean
  readonly ocsp: boolean
  /** Milliseconds for one answer. */
  readonly timeout: number
  /** Octets of a CRL. */
  readonly maxBytes: number
  /** Milliseconds after which what was fetched is fetched again, however long it says that it counts. */
  readonly maxAge: number
}
