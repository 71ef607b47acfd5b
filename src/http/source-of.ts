/**
 * Whom an address stands for where sources are counted: an IPv4 address for itself, one of IPv6 for its network of 64
 * bits, all of which whoever has one of them has (RFC 7084 §4.3).
 */
export function sourceOf(address: string): string {
  if (!address.includes(':')) return address
  const [bare = ''] = address.split('%', 1)
  if (bare.includes('.')) return bare.slice(bare.lastIndexOf(':') + 1)
  const [head = '', tail] = bare.split('::', 2)
  const groups = groupsOf(head)
  if (tail !== undefined) {
    const behind = groupsOf(tail)
    while (groups.length + behind.length < GROUPS) groups.push('0')
    groups.push(...behind)
  }
  return `${groups
    .slice(0, 4)
    .map((group) => group.toLowerCase().replace(/^0+(?=.)/, ''))
    .join(':')}::/64`
}

const GROUPS = 8

function groupsOf(text: string): string[] {
  return text === '' ? [] : text.split(':')
}
