import type { IncomingMessage } from 'node:http'

import { isFinished } from '../../http/finished-connections.ts'

/**
 * Whether a request asks for an upgrade that we take part in. Any other may be ignored (RFC 9110
 * §7.8): it is then a request like all others, and its `Upgrade` goes no further.
 * @param protocols in lower case
 */
export function wantsUpgrade(request: IncomingMessage, protocols: readonly string[]): boolean {
  const { headers, httpVersion, socket } = request
  // two lines, or a list, make a text that is the name of none
  const protocol = headers.upgrade?.toLowerCase()
  return (
    protocol !== undefined &&
    protocols.includes(protocol) &&
    httpVersion === '1.1' &&
    !isFinished(request) &&
    !isAnswering(socket)
  )
}

/**
 * An answer to an earlier request is still to come: it and the new protocol would mix. Node keeps
 * count of that in a property that it does not document.
 */
function isAnswering(socket: object): boolean {
  return Boolean(Reflect.get(socket, '_httpMessage'))
}
