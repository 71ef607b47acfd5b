import { childrenOf, contextTag, DerFault, DerReader, expectTag, tags } from './der.ts'
import type { DerElement } from './der.ts'
import { hexOf } from './der-values.ts'
import { readGeneralName } from './general-name.ts'
import type { GeneralName } from './general-name.ts'
import { readConstraint } from './name-matchers.ts'
import type { Constraint } from './name-matchers.ts'

/** A nameConstraints extension (RFC 5280 §4.2.1.10). */
export interface NameConstraints {
  readonly permitted: readonly Constraint[]
  readonly excluded: readonly Constraint[]
}

/** Reads nameConstraints. A subtree that cannot be understood is a fault. @throws DerFault */
export function readNameConstraints(
  element: DerElement,
  limits: { readonly subtrees: number; readonly names: number },
): NameConstraints {
  const reader = new DerReader(expectTag(element, tags.sequence))
  const read = (outer: DerElement | undefined, room: number): Constraint[] => {
    if (outer === undefined) return []
    const subtrees = childrenOf(outer, room).map((subtree) => readSubtree(subtree, limits.names))
    if (subtrees.length === 0) throw new DerFault('no subtrees')
    return subtrees
  }
  const permitted = read(reader.optional(contextTag(0, true)), limits.subtrees)
  const excluded = read(reader.optional(contextTag(1, true)), limits.subtrees - permitted.length)
  reader.finish()
  if (permitted.length + excluded.length === 0) throw new DerFault('no subtrees')
  return { permitted, excluded }
}

function readSubtree(element: DerElement, limit: number): Constraint {
  // minimum is 0 and so absent, maximum must be absent: anything after the base is foreign to us.
  const reader = new DerReader(expectTag(element, tags.sequence))
  const base = reader.next()
  reader.finish()
  return readConstraint(readGeneralName(base, limit))
}

/** A name that a set of constraints does not allow. */
export interface NameViolation {
  readonly type: GeneralName['type']
  readonly got: string
  readonly rule: 'excluded' | 'not permitted' | 'malformed' | 'kind is not compared'
}

/** Counts comparisons; returns false when there have been too many. */
export type Spend = (comparisons: number) => boolean

/**
 * Judges every name against one CA's constraints: exclusions first, then permissions; names of a
 * type that has no permitted subtree are free. A path is good when every CA's constraints are met,
 * which is the intersection that RFC 5280 §6.1.4 (g) builds.
 * @returns the first violation, or `'budget'` when `spend` said that it costs too much.
 */
export function findNameViolation(
  names: readonly GeneralName[],
  constraints: NameConstraints,
  spend: Spend,
): NameViolation | 'budget' | undefined {
  const { permitted, excluded } = constraints
  if (!spend(names.length * (permitted.length + excluded.length))) return 'budget'
  for (const name of names) {
    const rule = broken(name, permitted, excluded)
    if (rule !== undefined) return { type: name.type, got: shown(name).slice(0, 256), rule }
  }
  return undefined
}

function broken(
  name: GeneralName,
  permitted: readonly Constraint[],
  excluded: readonly Constraint[],
): NameViolation['rule'] | undefined {
  const concerns = (constraint: Constraint): boolean => constraint.concerns(name)
  const permitting = permitted.filter(concerns)
  const excluding = excluded.filter(concerns)
  if (permitting.length + excluding.length === 0) return undefined

  const judged = [...excluding, ...permitting].map((constraint) => constraint.judge(name))
  if (judged.includes('incomparable')) return 'kind is not compared'
  if (judged.includes('malformed')) return 'malformed'
  // A wildcard that reaches into an excluded tree may stand for a name in it.
  if (judged.slice(0, excluding.length).some((result) => result !== 'outside')) return 'excluded'
  if (permitting.length === 0) return undefined
  return judged.slice(excluding.length).includes('inside') ? undefined : 'not permitted'
}

function shown(name: GeneralName): string {
  if (name.type === 'email' || name.type === 'dns' || name.type === 'uri') return name.value
  if (name.type === 'directory') return name.value.text
  return name.type === 'ip' ? hexOf(name.value) : 'name'
}
