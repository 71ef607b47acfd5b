/** What the validation of one chain may cost. Beyond any of them it is refused. */
export interface PathLimits {
  /** Octets of the leaf. */
  readonly leafBytes: number
  /** Octets of each further certificate. */
  readonly caBytes: number
  /** Octets of everything that the peer sent. */
  readonly totalBytes: number
  /** Certificates beside the leaf. */
  readonly extraCertificates: number
  /** Names in a subjectAltName, attributes in a distinguished name. */
  readonly names: number
  /** Permitted and excluded subtrees of one nameConstraints. */
  readonly subtrees: number
  /** Policies, mappings, distribution points of one certificate. */
  readonly entries: number
  /** Intermediate certificates in a path, self-issued ones too. */
  readonly depth: number
  /** Issuers tried. */
  readonly steps: number
  /** Signatures checked. */
  readonly signatures: number
  /** Complete paths judged. */
  readonly paths: number
  /** Comparisons of a name with a subtree. */
  readonly nameComparisons: number
}

export const defaultPathLimits: PathLimits = {
  leafBytes: 8 * 1024,
  caBytes: 8 * 1024,
  totalBytes: 64 * 1024,
  extraCertificates: 40,
  names: 256,
  subtrees: 256,
  entries: 64,
  depth: 10,
  steps: 200,
  signatures: 100,
  paths: 32,
  nameComparisons: 250_000,
}

/** Anchors are parsed once, at load, and come from the operator: honest, but not always small. */
export const anchorLimits: PathLimits = {
  ...defaultPathLimits,
  caBytes: 1024 * 1024,
  subtrees: 16_384,
}

/** Octets of a CRL, of an OCSP response, and entries that a CRL may have. */
export const revocationLimits = {
  crlBytes: 64 * 1024 * 1024,
  crlEntries: 2_000_000,
  ocspBytes: 32 * 1024,
  ocspAnswers: 64,
  ocspCertificates: 8,
} as const

/** Off the event loop: time for one chain, how many chains may wait, and how long. */
export const workerLimits = { milliseconds: 250, waiting: 64, waitMilliseconds: 2000 } as const
