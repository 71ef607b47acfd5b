import type { ClientRequest, ClientResponse } from './client-message.ts'

const waiting = new WeakMap<ClientRequest, ClientResponse>()

/**
 * Remembers that a client sends its body only when it is told to (`Expect: 100-continue`, RFC 9110 §10.1.1): not
 * before it is known that somebody will read it.
 */
export function awaitContinue(request: ClientRequest, response: ClientResponse): void {
  waiting.set(request, response)
}

/** Says `100 Continue` to a client that waits for it, once. Whoever begins to read a body calls this first. */
export function wantBody(request: ClientRequest): void {
  const response = waiting.get(request)
  if (response === undefined) return
  waiting.delete(request)
  if (!response.destroyed && !response.headersSent) response.writeContinue()
}

/** Whether the client still waits to be told: its body has not begun, and need not come at all. */
export function isWaiting(request: ClientRequest): boolean {
  return waiting.has(request)
}
