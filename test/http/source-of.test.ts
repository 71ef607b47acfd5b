import { BlockList } from 'node:net'

import test from 'ava'
import fc from 'fast-check'

import { sourceOf } from '../../src/http/source-of.ts'

for (const [address, source] of [
  ['192.0.2.7', '192.0.2.7'],
  ['::ffff:192.0.2.7', '192.0.2.7'],
  ['2001:db8:1:2:3:4:5:6', '2001:db8:1:2::/64'],
  ['2001:DB8:1:2::6', '2001:db8:1:2::/64'],
  ['2001:db8::6', '2001:db8:0:0::/64'],
  ['fe80::1%eth0', 'fe80:0:0:0::/64'],
  ['::1', '0:0:0:0::/64'],
  ['::', '0:0:0:0::/64'],
] as const) {
  test(`${address} is counted as ${source}`, (t) => {
    t.is(sourceOf(address), source)
  })
}

test('two addresses of IPv6 are one source just when their first 64 bits are the same', (t) => {
  fc.assert(
    fc.property(fc.ipV6(), fc.ipV6(), (one, other) => {
      // An IPv4 address at the end stands for itself.
      fc.pre(!one.includes('.') && !other.includes('.'))
      const network = new BlockList()
      network.addSubnet(one, 64, 'ipv6')
      return (sourceOf(one) === sourceOf(other)) === network.check(other, 'ipv6')
    }),
  )
  t.pass()
})
