import { isIP } from 'node:net'

/** `192.0.2.7`, `192.0.2.7:4711`, `[2001:db8::1]`, `[2001:db8::1]:4711`, and an IPv6 address without brackets. */
const NODE =
  /^(?:([0-9.]{7,15})(?::[0-9]{1,5})?|\[([0-9A-Fa-f:.]{2,45})\](?::[0-9]{1,5})?|([0-9A-Fa-f:.]{2,45}))$/

/** The address of a node as proxies write it (RFC 7239 §6), without its port; undefined when it is none. */
export function nodeAddress(text: string): string | undefined {
  const [, v4, bracketed, bare] = NODE.exec(text) ?? []
  const address = v4 ?? bracketed ?? bare ?? ''
  const family = isIP(address)
  if (family === 0 || (bracketed !== undefined && family === 4)) return undefined
  return plainAddress(address.toLowerCase())
}

/** An IPv4 address as such when the socket listens on IPv6. */
export function plainAddress(address: string): string {
  return address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address
}
