import { IncomingMessage } from 'node:http'
import type { ClientRequest, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ConnectionOptions } from 'node:tls'

import { createProxyServer } from 'http-proxy'

import type { ForwardPlan } from '../forward.ts'
import { responseHeaders } from '../response-headers.ts'
import type { TargetAddress } from '../upstreams/target-address.ts'
import { checkSwitch } from './check-switch.ts'
import type { Offer } from './check-switch.ts'
import { asciiLines, headerRecord } from './header-record.ts'
import type { HeaderRecord } from './header-record.ts'
import { letGo } from './last-response.ts'

/** An upgrade that may be asked of the upstream; all of it was checked before. */
export interface Handshake {
  readonly request: IncomingMessage
  /** From `lastResponse`. */
  readonly response: ServerResponse
  /** What the client sent behind its request: nobody gets it before the upstream has agreed. */
  readonly head: Buffer
  readonly plan: ForwardPlan
  readonly offer: Offer
  readonly address: TargetAddress
  /** For `https:`: what `tls.connect` takes beside host and port. */
  readonly tls: ConnectionOptions | undefined
  /** Until the head of the upstream's answer is here, in milliseconds. */
  readonly timeout: number
}

/** What became of it: one of these is called, once. */
export interface HandshakeEnd {
  /** Both sides have agreed, and what they send is on its way. */
  onSwitched(upstream: Socket): void
  /** The upstream has answered otherwise. */
  onAnswer(answer: IncomingMessage): void
  /** There is no answer, or none to make sense of. */
  onFailure(error: Error): void
  /** Nobody waits for the answer any more. */
  onAborted(): void
}

/** What the package does when the upstream has agreed: it tells the client and joins the connections. */
type Join = (answer: IncomingMessage, upstream: Socket, head: Buffer) => void

/**
 * Asks the upstream for the upgrade. The package `http-proxy` connects, asks, and joins the two connections. Before
 * the last it is held back until the answer was looked at: it takes any 101 at its word, and of any other answer hands
 * on what is not for the client.
 */
export function shakeHands(handshake: Handshake, end: HandshakeEnd): void {
  const { request, response, plan, offer, timeout } = handshake
  const { socket } = request
  let outgoing: ClientRequest | undefined
  let isOver = false
  const settle = (): boolean => {
    if (isOver) return false
    isOver = true
    clearTimeout(timer)
    socket.off('close', abort)
    return true
  }
  const abort = (): void => {
    if (settle()) end.onAborted()
    outgoing?.destroy()
  }
  const fail = (error: Error): void => {
    if (socket.destroyed) abort()
    else if (settle()) end.onFailure(error)
    outgoing?.destroy()
  }
  const timer = setTimeout(() => fail(fault('ETIMEDOUT', 'no answer to the upgrade')), timeout)
  socket.once('close', abort)

  const proxy = createProxyServer(proxyOptions(handshake))
  proxy.on('error', fail)
  proxy.once('proxyReqWs', (made) => {
    made.setHeader('upgrade', offer.protocol)
    outgoing = made
  })
  proxy.ws(toForward(handshake), socket, {}, handshake.head).catch(fail)
  if (outgoing === undefined) return
  const [join] = outgoing.listeners('upgrade') as Join[]
  outgoing.removeAllListeners('upgrade').removeAllListeners('response')
  outgoing.once('upgrade', (answer: IncomingMessage, upstream: Socket, head: Buffer) => {
    const wrong = join ? checkSwitch(answer, offer) : 'nobody to join the connections'
    if (wrong !== undefined) fail(fault('ERR_HTTP_UPGRADE', wrong))
    if (!join || !settle()) {
      upstream.destroy()
      return
    }
    answer.headers = switchHeaders(answer, plan, offer)
    letGo(response, request)
    join(answer, upstream, head)
    end.onSwitched(upstream)
  })
  outgoing.once('response', (answer: IncomingMessage) => {
    if (answer.statusCode === 101) fail(fault('ERR_HTTP_UPGRADE', '101 without an upgrade'))
    else if (settle()) end.onAnswer(answer)
  })
}

/** A request for the package, with nothing in it but what goes to the upstream. */
function toForward({ request, plan, offer }: Handshake): IncomingMessage {
  const made = new IncomingMessage(request.socket)
  made.httpVersionMajor = 1
  made.url = plan.target
  // It ends the connection for any other method and protocol: the real ones are set elsewhere.
  made.method = 'GET'
  made.headers = {
    ...headerRecord(plan.headers),
    ...connectionLines({ ...offer, protocol: 'websocket' }),
  }
  return made
}

function proxyOptions({ address, tls, plan }: Handshake) {
  const { secure, socketPath, host, port } = address
  return {
    target: {
      protocol: secure ? 'https:' : 'http:',
      ...(socketPath === undefined ? { host, port } : { host, socketPath }),
    },
    // The package writes its own request into this object.
    ssl: { ...tls },
    method: plan.method,
    secure: true,
    xfwd: false,
    changeOrigin: false,
    prependPath: false,
  }
}

/** Of a 101: the package writes these for the client as they are. */
function switchHeaders(answer: IncomingMessage, plan: ForwardPlan, offer: Offer): HeaderRecord {
  const lines = responseHeaders(101, answer.headersDistinct, plan.responseHeaders ?? [])
  const { 'content-length': _, ...headers } = headerRecord(asciiLines(lines ?? []))
  return { ...headers, ...connectionLines(offer) }
}

/** All that there is to say of the connection. */
function connectionLines({ protocol }: Offer): HeaderRecord {
  return { connection: 'Upgrade', upgrade: protocol }
}

function fault(code: string, message: string): Error {
  return Object.assign(new Error(message), { code })
}
