const UNRESERVED = /^[A-Za-z0-9\-._~]$/

/**
 * A target URI as `htu` is compared (RFC 9449 §4.3): without query and fragment, after the normalization of
 * RFC 3986 §6.2.2 and §6.2.3. Undefined for what is no http(s) URI without user information.
 */
export function targetUri(text: string): string | undefined {
  const url = URL.parse(text)
  if (!url || !/^https?:$/.test(url.protocol) || url.username !== '' || url.password !== '') {
    return undefined
  }
  return url.origin + normalPath(url.pathname)
}

/** An escape is in capitals, and is none where the character needs none. */
function normalPath(path: string): string {
  return path.replaceAll(/%[0-9A-Fa-f]{2}/g, (escape) => {
    const character = String.fromCharCode(Number.parseInt(escape.slice(1), 16))
    return UNRESERVED.test(character) ? character : escape.toUpperCase()
  })
}
