import type { z } from 'zod'

/** One complaint of a schema: where in the value, and what. */
export interface Issue {
  readonly path: readonly PropertyKey[]
  readonly message: string
  /** The last step of the path is a key that the schema does not know. */
  readonly unknownKey?: true
}

/** Flattens the issues of a failed parse into sentences a person can act on. */
export function issuesOf(error: z.ZodError): readonly Issue[] {
  return error.issues.flatMap((issue) => flatten(issue, []))
}

function flatten(issue: z.core.$ZodIssue, prefix: readonly PropertyKey[]): readonly Issue[] {
  const path = [...prefix, ...issue.path]
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      path: [...path, key],
      message: 'is not a known setting',
      unknownKey: true,
    }))
  }
  if (issue.code === 'invalid_union') return union(issue, path)
  if (issue.code === 'invalid_key') return issue.issues.flatMap((one) => flatten(one, path))
  return [{ path, message: sentence(issue) }]
}

// Of the branches of a union the one that got furthest into the value is the one that was meant:
// deepest, or so far that it had words of its own.
function union(
  issue: z.core.$ZodIssueInvalidUnion,
  path: readonly PropertyKey[],
): readonly Issue[] {
  const branches = issue.errors.map((branch) => branch.flatMap((one) => flatten(one, path)))
  const depth = (issues: readonly Issue[]) => Math.max(0, ...issues.map((one) => one.path.length))
  const best = branches.toSorted((a, b) => depth(b) - depth(a) || a.length - b.length)[0] ?? []
  if (depth(best) > path.length) return best
  const own = issue.errors.flat().find(({ code }) => code === 'custom')
  return [{ path, message: own?.message ?? sentence(issue) }]
}

function sentence(issue: z.core.$ZodIssue): string {
  const message = isDefault(issue) ? ourWords(issue) : issue.message
  return 'input' in issue && issue.input === undefined && message.startsWith('must be ')
    ? `is missing; it ${message}`
    : message
}

function ourWords(issue: z.core.$ZodIssue): string {
  if (issue.code === 'invalid_type') {
    const wanted = KINDS[issue.expected] ?? issue.expected
    return issue.input === undefined
      ? `must be ${wanted}`
      : `must be ${wanted}, is ${kindOf(issue.input)}`
  }
  if (issue.code === 'invalid_value') return `must be one of ${issue.values.map(String).join(', ')}`
  if (issue.code === 'too_big') return limit(issue.origin, issue.maximum, 'most', 'more')
  if (issue.code === 'too_small') {
    return COUNTED[issue.origin] !== undefined && issue.minimum === 1
      ? 'must not be empty'
      : limit(issue.origin, issue.minimum, 'least', 'fewer')
  }
  return issue.message
}

// What zod says when a schema has no words of its own.
function isDefault({ message }: z.core.$ZodIssue): boolean {
  return /^(Invalid|Too) /.test(message)
}

const KINDS: Readonly<Record<string, string>> = {
  string: 'text',
  number: 'a number',
  int: 'a whole number',
  boolean: 'true or false',
  array: 'a list',
  object: 'a mapping',
  record: 'a mapping',
}

function kindOf(value: unknown): string {
  if (value === null) return 'empty'
  if (Array.isArray(value)) return 'a list'
  if (typeof value === 'boolean') return String(value)
  if (typeof value === 'number') return Number.isInteger(value) ? 'a number' : 'no whole number'
  return KINDS[typeof value] ?? typeof value
}

const COUNTED: Readonly<Record<string, string>> = { string: 'characters', array: 'entries' }

function limit(
  origin: string,
  count: number | bigint,
  edge: 'most' | 'least',
  beyond: string,
): string {
  const counted = COUNTED[origin]
  return counted === undefined
    ? `must be at ${edge} ${count}`
    : `has ${beyond} than ${count} ${counted}`
}
