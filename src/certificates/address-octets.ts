import { isIP } from 'node:net'

/** The 4 or 16 octets of an IP address; undefined when it is none, or has a zone. */
export function addressOctets(address: string): Uint8Array | undefined {
  const version = address.includes('%') ? 0 : isIP(address)
  if (version === 4) return Uint8Array.from(address.split('.'), Number)
  if (version !== 6) return undefined
  // The URL parser writes an address with its dotted part in hexadecimal.
  const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::')
  const groups = (text = '') => text.split(':').filter((group) => group !== '')
  const [before, after] = [groups(head), groups(tail)]
  const zeros = Array.from({ length: 8 - before.length - after.length }, () => '0')
  const all = [...before, ...zeros, ...after].map((group) => Number.parseInt(group, 16))
  return Uint8Array.from(all.flatMap((group) => [group >> 8, group & 0xff]))
}

/** An address as people write it, hexadecimal when its length is that of none. */
export function addressText(octets: Uint8Array): string {
  if (octets.length === 4) return octets.join('.')
  const groups = Array.from({ length: octets.length / 2 }, (_, index) =>
    (((octets[index * 2] ?? 0) << 8) | (octets[index * 2 + 1] ?? 0)).toString(16),
  )
  // The URL parser shortens the address as RFC 5952 says.
  const url = `http://[${groups.join(':')}]`
  return URL.canParse(url)
    ? new URL(url).hostname.slice(1, -1)
    : Buffer.from(octets).toString('hex')
}
