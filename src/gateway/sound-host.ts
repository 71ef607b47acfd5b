const HOST = /^(?:[A-Za-z0-9._-]{1,253}|\[[0-9A-Fa-f:.]{2,45}\])(?::[0-9]{1,5})?$/

/** Whether a text is a name or an address, with or without a port, that nobody reads otherwise (RFC 9110 §7.2). */
export function isSoundHost(text: string): boolean {
  return HOST.test(text)
}
