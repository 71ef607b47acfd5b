import type { IncomingMessage, ServerResponse } from 'node:http'
import { pipeline } from 'node:stream'

import type { ExchangeOutcome } from '../exchange.ts'

/**
 * The upstream has not agreed to the upgrade: its client gets the answer, whole, and the connection ends with it.
 * @param lines for the client, name and value in turn
 * @param idle how long either side may stand still, in milliseconds
 * @param done called once, when nothing more will happen
 */
export function relayAnswer(
  answer: IncomingMessage,
  response: ServerResponse,
  lines: string[],
  idle: number,
  done: (outcome: ExchangeOutcome) => void,
): void {
  const { statusCode: status = 502, socket } = answer
  let reason = 'client-aborted'
  answer.once('error', () => {
    reason = 'upstream-reset'
  })
  socket.setTimeout(idle, () => {
    reason = 'upstream-timeout'
    socket.destroy()
  })
  response.writeHead(status, lines)
  pipeline(answer, response, (error) => {
    socket.destroy()
    done(error ? { ok: false, reason, status } : { ok: true, status })
  })
}
