import { anyPolicy } from './extensions.ts'
import type { PolicyMapping } from './extensions.ts'

/** One policy at one level. */
interface PolicyNode {
  readonly policy: string
  readonly parents: ReadonlySet<PolicyNode>
  /** What the next certificate may call it. */
  expected: ReadonlySet<string>
}

type Level = Map<string, PolicyNode>

/**
 * The policies that hold along a path, as a graph with one node for each policy and level
 * (RFC 9618 §3): linear in the certificates where the tree of RFC 5280 is exponential.
 */
export class PolicyGraph {
  /** From the anchor down; level 0 is `anyPolicy`. */
  #levels: Level[] = [
    new Map([
      [anyPolicy, { policy: anyPolicy, parents: new Set(), expected: new Set([anyPolicy]) }],
    ]),
  ]

  /** No policy holds for the whole path. */
  get empty(): boolean {
    return this.#levels.length === 0
  }

  /** Adds a certificate's policies (RFC 9618 §5.3 (d)); undefined: it has none, and then nothing holds. */
  addCertificate(policies: readonly string[] | undefined, anyPolicyCounts: boolean): void {
    const above = this.#levels.at(-1)
    if (above === undefined) return
    if (policies === undefined) {
      this.#levels = []
      return
    }
    const level: Level = new Map()
    const expecting = expectations(above)
    const anyAbove = above.get(anyPolicy)
    for (const policy of policies) {
      if (policy === anyPolicy) continue
      const parents = expecting.get(policy) ?? (anyAbove && new Set([anyAbove]))
      if (parents !== undefined) level.set(policy, node(policy, parents))
    }
    if (policies.includes(anyPolicy) && anyPolicyCounts) {
      for (const [policy, parents] of expecting) {
        if (!level.has(policy)) level.set(policy, node(policy, parents))
      }
    }
    this.#levels.push(level)
    this.#prune()
  }

  /** Maps policies for the next certificate, or with `inhibited` ends them (RFC 9618 §5.4 (b)). */
  map(mappings: readonly PolicyMapping[], inhibited: boolean): void {
    const level = this.#levels.at(-1)
    const anyAbove = this.#levels.at(-2)?.get(anyPolicy)
    if (level === undefined) return
    for (const [policy, group] of Map.groupBy(mappings, (mapping) => mapping.issuer)) {
      const expected = new Set(group.map((mapping) => mapping.subject))
      const mapped = level.get(policy)
      if (inhibited) level.delete(policy)
      else if (mapped !== undefined) mapped.expected = expected
      else if (level.has(anyPolicy) && anyAbove !== undefined) {
        level.set(policy, { policy, parents: new Set([anyAbove]), expected })
      }
    }
    this.#prune()
  }

  /** Whether one of the wanted policies holds (RFC 9618 §5.5 (g)). */
  holds(wanted: readonly string[]): boolean {
    if (this.empty) return false
    if (wanted.includes(anyPolicy) || this.#levels.at(-1)?.has(anyPolicy) === true) return true
    // The names that the anchor's side gave them: nodes right below an anyPolicy node.
    return this.#levels.some((level) =>
      wanted.some((policy) => {
        const parents = level.get(policy)?.parents ?? new Set<PolicyNode>()
        return [...parents].some((parent) => parent.policy === anyPolicy)
      }),
    )
  }

  /** Takes away what leads to no policy of the last level. */
  #prune(): void {
    let used: ReadonlySet<PolicyNode> | undefined
    for (const level of this.#levels.toReversed()) {
      for (const [policy, entry] of level) if (used?.has(entry) === false) level.delete(policy)
      used = new Set(level.values().flatMap(({ parents }) => parents))
    }
    if (this.#levels[0]?.size === 0) this.#levels = []
  }
}

function node(policy: string, parents: ReadonlySet<PolicyNode>): PolicyNode {
  return { policy, parents, expected: new Set([policy]) }
}

function expectations(level: Level): Map<string, Set<PolicyNode>> {
  const expecting = new Map<string, Set<PolicyNode>>()
  for (const parent of level.values()) {
    for (const policy of parent.expected) {
      const parents = expecting.get(policy)
      if (parents === undefined) expecting.set(policy, new Set([parent]))
      else parents.add(parent)
    }
  }
  return expecting
}
