import { createAnchorSet } from '../../../src/certificates/path/anchor-set.ts'
import { validatePath } from '../../../src/certificates/path/validate-path.ts'
import type { PathQuestion, PathVerdict } from '../../../src/certificates/path/validate-path.ts'
import { now } from './mint.ts'
import type { Chain } from './mint.ts'

/** The question whether a chain holds for a client now. */
export function questionOf(
  chain: Pick<Chain, 'root' | 'ca' | 'leaf'>,
  changes: Partial<PathQuestion> = {},
): PathQuestion {
  return {
    leaf: chain.leaf,
    intermediates: [chain.ca],
    anchors: createAnchorSet([chain.root]),
    at: now,
    purpose: 'client',
    ...changes,
  }
}

/** `ok`, or the reason of the refusal. */
export function wordOf(
  verdict: PathVerdict | { ok: true } | { ok: false; reason: string },
): string {
  return verdict.ok ? 'ok' : verdict.reason
}

/** `ok`, or the reason why the chain is refused. */
export function judge(
  chain: Pick<Chain, 'root' | 'ca' | 'leaf'>,
  changes: Partial<PathQuestion> = {},
): string {
  return wordOf(validatePath(questionOf(chain, changes)))
}
