import { KIND, type HeaderKind } from './header-kinds.ts'
import { foldHeaderName, type OwnedNames } from './owned-names.ts'
import { printable } from './printable.ts'

/**
 * The names in a `Connection` header (RFC 9110 §7.6.1), lower case, or what is wrong with one of
 * them.
 */
export type ConnectionOptions =
  | { readonly ok: true; readonly names: readonly string[] }
  | { readonly ok: false; readonly reason: string; readonly got?: string }

const HARMLESS = new Set(['keep-alive', 'Keep-Alive', 'close', 'Close'])
const NO_NAMES: ConnectionOptions = { ok: true, names: [] }

/**
 * Reads one value of `Connection`. A client that names a header which frames the message, proves
 * the caller or is set by us means to have it taken out on the way: that is refused, not obeyed.
 */
export function connectionOptions(
  value: string,
  kindOf: (name: string) => HeaderKind,
  owned: OwnedNames,
): ConnectionOptions {
  if (HARMLESS.has(value)) return NO_NAMES
  const names = value
    .split(',')
    .map((option) => option.trim().toLowerCase())
    .filter((option) => option !== '')
  for (const name of names) {
    const kind = kindOf(name)
    if (kind === KIND.invalid) return { ok: false, reason: 'connection-option-invalid' }
    if ((kind > KIND.drop && kind !== KIND.connection) || owned.has(foldHeaderName(name))) {
      return { ok: false, reason: 'connection-names-protected-header', got: printable(name) }
    }
  }
  return { ok: true, names }
}
