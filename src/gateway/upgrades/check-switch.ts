import { hash } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** RFC 6455 §1.3. */
const WEBSOCKET_GUID = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

/** 16 bytes, base64 (RFC 6455 §4.1). */
const KEY = /^[A-Za-z0-9+/]{21}[AQgw]==$/

/** What the client offered. */
export interface Offer {
  /** In lower case. */
  readonly protocol: string
  /** Of a WebSocket. */
  readonly key: string | undefined
}

/** The one `Sec-WebSocket-Key` among header lines, name and value in turn; undefined: none, several or no key. */
export function websocketKey(lines: readonly string[]): string | undefined {
  const keys = lines.filter((_, i) => i % 2 === 1 && isKeyName(lines[i - 1] ?? ''))
  const [key = ''] = keys
  return keys.length === 1 && KEY.test(key) ? key : undefined
}

function isKeyName(name: string): boolean {
  return name.toLowerCase() === 'sec-websocket-key'
}

/**
 * Whether the upstream has agreed to what the client offered, and to nothing else.
 * @returns what is wrong with its answer, or undefined
 */
export function checkSwitch(answer: IncomingMessage, offer: Offer): string | undefined {
  if (answer.statusCode !== 101) return `an upgrade with status ${answer.statusCode}`
  const { upgrade = '' } = answer.headers
  if (upgrade.toLowerCase() !== offer.protocol) return 'an upgrade to another protocol'
  if (offer.key === undefined) return undefined
  const accepted = answer.headersDistinct['sec-websocket-accept'] ?? []
  const right = hash('sha1', offer.key + WEBSOCKET_GUID, 'base64')
  return accepted.length === 1 && accepted[0] === right ? undefined : 'a wrong Sec-WebSocket-Accept'
}
