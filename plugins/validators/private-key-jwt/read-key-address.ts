import type { Secret } from '#contract'

import { readKeyProperties } from './key-holder.ts'
import type { KeyProperties } from './key-holder.ts'
import { KeyFault } from './public-key.ts'

export type KeyAddressReading =
  | { readonly ok: true; readonly url: URL; readonly said: KeyProperties }
  | { readonly ok: false; readonly fault: string }

const MAX_LENGTH = 2048

/** Reads where a client publishes its keys: HTTPS, on one of the hosts that may be asked. */
export function readKeyAddress(secret: Secret, hosts: readonly string[]): KeyAddressReading {
  const fault = (text: string): KeyAddressReading => ({ ok: false, fault: text })
  const { value } = secret
  if (value.length > MAX_LENGTH) return fault(`longer than ${MAX_LENGTH} characters`)
  const url = URL.canParse(value) ? new URL(value) : undefined
  if (url?.protocol !== 'https:') return fault('not an https URL')
  if (url.username !== '' || url.password !== '' || url.hash !== '') {
    return fault('an URL with a user or a fragment')
  }
  const { hostname, port } = url
  const listed =
    hosts.includes(`${hostname}:${port || '443'}`) || (port === '' && hosts.includes(hostname))
  if (!listed) {
    return fault(`${url.host} is not in jwksUri.hosts of the options of validators/private-key-jwt`)
  }
  try {
    return { ok: true, url, said: readKeyProperties(secret) }
  } catch (error) {
    if (error instanceof KeyFault) return fault(error.message)
    throw error
  }
}
