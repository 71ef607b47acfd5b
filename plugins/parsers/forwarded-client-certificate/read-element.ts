/** The pairs of an element, names in lower case, or what is wrong with it. */
export type Element = { readonly pairs: ReadonlyMap<string, string> } | { readonly fault: string }

/** `name=value` or `name="value"`, and what follows it. A quote in a quoted value has a backslash before it. */
const PAIR = /([A-Za-z]{1,16})=(?:"((?:[^"\\]|\\.)*)"|([^",;]*))(;|,|$)/y

/** A proxy has one client, so there is one element: with more, some were sent by that client. */
export function readElement(value: string): Element {
  const pairs = new Map<string, string>()
  PAIR.lastIndex = 0
  for (;;) {
    const found = PAIR.exec(value)
    if (!found) return { fault: 'not an element of X-Forwarded-Client-Cert' }
    const [, name = '', quoted, bare = '', end] = found
    const key = name.toLowerCase()
    // Names of the certificate may come several times; what is read here may not.
    if (pairs.has(key) && (key === 'cert' || key === 'chain')) {
      return { fault: `several ${key} in one element` }
    }
    pairs.set(key, quoted ?? bare)
    if (end === ',') return { fault: 'more than one element' }
    if (end === '') return { pairs }
  }
}
