import type { Settings } from '../../config/settings-schema.ts'
import { targetAddress } from './target-address.ts'

/** The origin of an upstream's first target, by the name that a rule says: `Forwarder.origin` without a forwarder. */
export function originOf(
  { upstream, upstreams }: Pick<Settings, 'upstream' | 'upstreams'>,
  name: string | undefined,
): string {
  const { targets } = (name === undefined ? undefined : upstreams[name]) ?? upstream
  return targetAddress(targets[0] ?? '').text
}
