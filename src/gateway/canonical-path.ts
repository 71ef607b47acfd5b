/** The escapes that mean the same as the bare character (RFC 3986 §2.2, inside a path segment). */
const SAME = new Map(
  Array.from("!$&'()*+,=:@", (character) => [
    `%${character.charCodeAt(0).toString(16).toUpperCase()}`,
    character,
  ]),
)

/**
 * The key that a path is compared by: every way to write the same path, as any server decodes it,
 * gives the same key. Only for paths that `readRequestTarget` let through; never forwarded.
 */
export function canonicalPath(path: string): string {
  if (!path.includes('%')) return path
  return path.replace(/%[0-9a-f]{2}/gi, (escape) => {
    const upper = escape.toUpperCase()
    return SAME.get(upper) ?? upper
  })
}

/** How texts of paths are made equal before they are compared; the same for patterns and for paths. */
export function pathFold(ignoreCase: boolean): (text: string) => string {
  return ignoreCase ? (text) => canonicalPath(text.toLowerCase()) : canonicalPath
}
