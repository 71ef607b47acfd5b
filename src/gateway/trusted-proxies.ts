import { BlockList, isIP } from 'node:net'

import type { PeerCertificate } from '#contract'

/** Which connections are those of proxies whose word counts. */
export interface TrustedProxies {
  has(remoteAddress: string | undefined, peer: PeerCertificate | undefined): boolean
}

export interface ProxySettings {
  /** IP addresses and networks; absent: any address. */
  readonly addresses?: readonly string[] | undefined
  /** SHA-256 thumbprints of the proxies' certificates; absent: none is asked for. */
  readonly certificates?: readonly string[] | undefined
}

/**
 * Where both are named, both have to fit. Nobody is trusted where neither is.
 * @throws TypeError for what `checkNetwork` finds fault with
 */
export function trustedProxies({ addresses, certificates }: ProxySettings): TrustedProxies {
  if (!addresses && !certificates) return { has: () => false }
  const networks = addresses && blockList(addresses)
  const thumbprints = certificates && new Set(certificates.map(plainThumbprint))
  return {
    has(address, peer) {
      // It knows an IPv4 address where the socket listens on IPv6 too.
      if (networks && !(address !== undefined && networks.check(address, family(address)))) {
        return false
      }
      return !thumbprints || (peer !== undefined && thumbprints.has(peer.thumbprintSha256))
    },
  }
}

/** Says what is wrong with an address or a network such as `10.0.0.0/8`, or undefined. */
export function checkNetwork(text: string): string | undefined {
  const [address = '', length, ...rest] = text.split('/')
  const bits = isIP(address) === 6 ? 128 : 32
  if (isIP(address) === 0 || rest.length > 0) {
    return 'is not an IP address or a network such as 10.0.0.0/8'
  }
  if (length === undefined) return undefined
  if (!/^\d{1,3}$/.test(length) || Number(length) > bits)
    return `has no prefix length up to ${bits}`
  return Number(length) === 0 ? 'would trust everybody' : undefined
}

/** Upper-case hexadecimal without what dialogs put between. */
export function plainThumbprint(text: string): string {
  return text.replaceAll(/[\s:]/g, '').toUpperCase()
}

function blockList(networks: readonly string[]): BlockList {
  const list = new BlockList()
  for (const network of networks) {
    const fault = checkNetwork(network)
    if (fault !== undefined) throw new TypeError(`${network} ${fault}`)
    const [address = '', length] = network.split('/')
    if (length === undefined) list.addAddress(address, family(address))
    else list.addSubnet(address, Number(length), family(address))
  }
  return list
}

function family(address: string): 'ipv4' | 'ipv6' {
  return address.includes(':') ? 'ipv6' : 'ipv4'
}
