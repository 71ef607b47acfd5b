import { BlockList } from 'node:net'

import type { PeerCertificate } from '#contract'

import type { Options } from './options.ts'

/** Tells whether a connection is that of a proxy whose word counts; undefined: there is none. */
export function proxyCheck({
  proxies,
  certificates,
}: Pick<Options, 'proxies' | 'certificates'>):
  | ((address: string | undefined, peer: PeerCertificate | undefined) => boolean)
  | undefined {
  if (!proxies && !certificates) return undefined
  const networks = proxies && blockList(proxies)
  const thumbprints = certificates && new Set(certificates)
  return (address, peer) => {
    if (networks && !(address !== undefined && networks.check(address, family(address)))) {
      return false
    }
    return !thumbprints || (peer !== undefined && thumbprints.has(peer.thumbprintSha256))
  }
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const [address = '', length] = network.split('/')
    if (length === undefined) list.addAddress(address, family(address))
    else list.addSubnet(address, Number(length), family(address))
  }
  return list
}

function family(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4'
}
