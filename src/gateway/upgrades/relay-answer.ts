import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'

import type { ExchangeOutcome } from '../exchange.ts'

/**
 * The upstream has not agreed to the upgrade: its client gets the answer, whole, and the connection ends with it.
 * @param lines for the client, name and value in turn
 * @param idle how long either side may stand still, in milliseconds
 * @param done called once, when nothing more will happen; never when it is not handed on
 * @returns false: it cannot be handed on, and nothing of it was
 */
export function relayAnswer(
  answer: IncomingMessage,
  response: ServerResponse,
  lines: string[],
  idle: number,
  done: (outcome: ExchangeOutcome) => void,
): boolean {
  const { statusCode: status = 502, socket: upstream } = answer
  const { socket: client } = response
  try {
    response.writeHead(status, lines)
  } catch {
    return false
  }
  let reason: string | undefined
  // What comes first is the cause of the other.
  answer.once('error', () => {
    reason ??= 'upstream-reset'
  })
  response.once('close', () => {
    reason ??= 'client-aborted'
  })
  // Whatever passes goes through this one.
  client?.setTimeout(idle, () => {
    reason = client.writableLength > 0 ? 'client-stalled' : 'upstream-timeout'
    response.destroy()
  })
  pipeline(answer, response, (error) => {
    upstream.destroy()
    done(error ? { ok: false, reason: reason ?? 'client-aborted', status } : { ok: true, status })
  })
  return true
}
