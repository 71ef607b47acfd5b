import type { Refusal } from '#contract'
import { checkIssuer } from './check-certificate.ts'
import type { CertificateRules } from './check-certificate.ts'
import { checkPolicies } from './check-policies.ts'
import type { PolicyInputs } from './check-policies.ts'
import type { GeneralName } from './general-name.ts'
import type { PathLimits } from './limits.ts'
import { findNameViolation } from './name-constraints.ts'
import { sameBytes } from './parse-certificate.ts'
import type { ParsedCertificate } from './parse-certificate.ts'
import { isSignedBy } from './signature.ts'

type Path = readonly ParsedCertificate[]

export type PathVerdict =
  /** The leaf first, the anchor last. */
  { readonly ok: true; readonly path: Path } | (Refusal & { readonly ok: false })

/** What the search goes by. */
export interface SearchSetting {
  /** Anchors by the key of their subject. */
  readonly anchors: ReadonlyMap<string, Path>
  readonly policy: PolicyInputs
  /** Intermediate certificates that are not self-issued. */
  readonly maxDepth: number
  readonly rules: CertificateRules
  readonly limits: PathLimits
}

/**
 * Depth-first from the leaf upwards. An issuer joins the path only when everything that it decides
 * holds for all certificates below it, so a path that reaches an anchor lacks policies only.
 */
export function searchPath(
  leaf: ParsedCertificate,
  candidates: Path,
  setting: SearchSetting,
): PathVerdict {
  return new Search(candidates, setting).run(leaf)
}

/** Names that a certificate gives to its subject, and that constraints apply to. */
function namesOf({ subject, extensions }: ParsedCertificate): GeneralName[] {
  const names: GeneralName[] = [...(extensions.subjectAltName ?? [])]
  if (subject.rdns.length > 0) names.push({ type: 'directory', value: subject })
  for (const value of subject.emails) names.push({ type: 'email', value })
  return names
}

class Search {
  readonly #setting: SearchSetting
  readonly #bySubject: ReadonlyMap<string, Path>
  /** Whether the first signed by the second, and what is wrong with an issuer alone. */
  readonly #signed = new Map<ParsedCertificate, Map<ParsedCertificate, boolean>>()
  readonly #issuers = new Map<ParsedCertificate, Refusal | 'fine'>()
  #steps = 0
  #signatures = 0
  #paths = 0
  #comparisons = 0
  #spent = false
  #failure: { readonly rank: number; readonly refusal: Refusal } | undefined

  constructor(candidates: Path, setting: SearchSetting) {
    this.#setting = setting
    this.#bySubject = Map.groupBy(
      reachable(candidates, setting.anchors),
      (certificate) => certificate.subject.key,
    )
  }

  run(leaf: ParsedCertificate): PathVerdict {
    const path = this.#extend([leaf])
    if (path !== undefined) return { ok: true, path }
    if (this.#spent) {
      return {
        ok: false,
        reason: 'chain-budget',
        got: 'more possible paths than are tried',
        hint: 'send only the certificates between the leaf and its anchor',
      }
    }
    return { ok: false, ...(this.#failure?.refusal ?? untrusted(leaf)) }
  }

  #extend(path: Path): Path | undefined {
    const { key } = path.at(-1)!.issuer
    for (const anchor of this.#setting.anchors.get(key) ?? []) {
      if (this.#accepts(path, anchor, true)) return [...path, anchor]
    }
    for (const issuer of this.#bySubject.get(key) ?? []) {
      if (!this.#accepts(path, issuer, false)) continue
      const complete = this.#extend([...path, issuer])
      if (complete !== undefined) return complete
    }
    return undefined
  }

  /** Whether `issuer` may stand above `path`; an anchor ends it. */
  #accepts(path: Path, issuer: ParsedCertificate, isAnchor: boolean): boolean {
    if (this.#spent || path.some((below) => isSameAuthority(below, issuer))) return false
    if (!this.#charge(++this.#steps <= this.#setting.limits.steps)) return false
    const refusal = this.#judge(path, issuer, isAnchor)
    if (refusal !== undefined) this.#remember(path, refusal)
    return refusal === undefined && !this.#spent
  }

  #judge(path: Path, issuer: ParsedCertificate, isAnchor: boolean): Refusal | undefined {
    if (!this.#isSigned(path.at(-1)!, issuer)) return { reason: 'chain-signature' }
    return (
      this.#judgeAlone(issuer, isAnchor) ??
      this.#judgeLength(path, issuer, isAnchor) ??
      this.#judgeNames(path, issuer) ??
      (isAnchor ? this.#judgePolicies([...path, issuer]) : undefined)
    )
  }

  #isSigned(subject: ParsedCertificate, issuer: ParsedCertificate): boolean {
    const known = this.#signed.get(subject)?.get(issuer)
    if (known !== undefined) return known
    if (!this.#charge(++this.#signatures <= this.#setting.limits.signatures)) return false
    const signed = isSignedBy(subject, issuer.publicKey)
    const results = this.#signed.get(subject) ?? new Map<ParsedCertificate, boolean>()
    this.#signed.set(subject, results.set(issuer, signed))
    return signed
  }

  #judgeAlone(issuer: ParsedCertificate, isAnchor: boolean): Refusal | undefined {
    const known = this.#issuers.get(issuer)
    if (known !== undefined) return known === 'fine' ? undefined : known
    const refusal = checkIssuer(issuer, isAnchor, this.#setting.rules)
    this.#issuers.set(issuer, refusal ?? 'fine')
    return refusal
  }

  #judgeLength(path: Path, issuer: ParsedCertificate, isAnchor: boolean): Refusal | undefined {
    const { limits, maxDepth } = this.#setting
    const intermediates = path.slice(1)
    const counted = intermediates.filter(({ selfIssued }) => !selfIssued).length
    const allowed = issuer.extensions.basicConstraints?.pathLength ?? Infinity
    if (counted > allowed) {
      const want = `at most ${allowed} intermediate certificates below ${issuer.subject.text}`
      return { reason: 'chain-path-length', got: String(counted), want }
    }
    const depth = counted + (isAnchor || issuer.selfIssued ? 0 : 1)
    if (depth > maxDepth || intermediates.length + (isAnchor ? 0 : 1) > limits.depth) {
      return { reason: 'chain-depth', want: `at most ${maxDepth} intermediate certificates` }
    }
    return undefined
  }

  #judgeNames(path: Path, issuer: ParsedCertificate): Refusal | undefined {
    const constraints = issuer.extensions.nameConstraints
    if (constraints === undefined) return undefined
    for (const [index, below] of path.entries()) {
      // The leaf's names count even when it is self-issued (RFC 5280 §6.1.3 (b)).
      if (index > 0 && below.selfIssued) continue
      const violation = findNameViolation(namesOf(below), constraints, (comparisons) =>
        this.#charge((this.#comparisons += comparisons) <= this.#setting.limits.nameComparisons),
      )
      if (violation === 'budget') return { reason: 'chain-budget' }
      if (violation !== undefined) {
        return {
          reason: 'chain-name-constraint',
          got: `${violation.type} ${violation.got}: ${violation.rule}`,
          want: `a name within the constraints of ${issuer.subject.text}`,
        }
      }
    }
    return undefined
  }

  #judgePolicies(path: Path): Refusal | undefined {
    const affordable = this.#charge(++this.#paths <= this.#setting.limits.paths)
    return affordable ? checkPolicies(path, this.#setting.policy) : { reason: 'chain-budget' }
  }

  #charge(affordable: boolean): boolean {
    this.#spent ||= !affordable
    return affordable
  }

  /** Keeps what stopped the path that came farthest; a namesake that did not sign says least. */
  #remember(path: Path, refusal: Refusal): void {
    const rank = refusal.reason === 'chain-signature' ? 0 : path.length
    if (this.#failure === undefined || rank > this.#failure.rank) this.#failure = { rank, refusal }
  }
}

/** The candidates that name, over one another, an anchor as issuer. The rest cannot matter. */
function reachable(candidates: Path, anchors: ReadonlyMap<string, unknown>): Path {
  const byIssuer = Map.groupBy(candidates, (certificate) => certificate.issuer.key)
  const reached = new Set<ParsedCertificate>()
  const queue = [...byIssuer.keys()].filter((name) => anchors.has(name))
  for (let name = queue.pop(); name !== undefined; name = queue.pop()) {
    for (const certificate of byIssuer.get(name) ?? []) {
      if (reached.has(certificate)) continue
      reached.add(certificate)
      queue.push(certificate.subject.key)
    }
  }
  return candidates.filter((certificate) => reached.has(certificate))
}

/** The same name and key again make a loop, whatever else the certificate says (RFC 4158 §5.2). */
function isSameAuthority(a: ParsedCertificate, b: ParsedCertificate): boolean {
  return a.subject.key === b.subject.key && sameBytes(a.publicKey.spki, b.publicKey.spki)
}

function untrusted(leaf: ParsedCertificate): Refusal {
  return {
    reason: 'chain-untrusted',
    got: `issued by ${leaf.issuer.text}`,
    hint: 'is an anchor missing, or an intermediate certificate that the client should send?',
  }
}
