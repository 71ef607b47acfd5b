import { once } from 'node:events'
import { connect } from 'node:net'
import type { Socket } from 'node:net'
import { setTimeout as pause } from 'node:timers/promises'

import { readMessages } from '../../gateway/support/read-messages.ts'
import type { Message } from '../../gateway/support/read-messages.ts'
import { AUTHORIZATION } from '../../hostile/support/target.ts'
import type { Target } from '../../hostile/support/target.ts'
import type { Arrived, RecordingUpstream } from '../../support/recording-upstream.ts'
import { fold, isOurs, whatShouldArrive } from './what-should-arrive.ts'

/** Octets that both receive, and which are never the same twice. */
export interface Spoken {
  readonly octets: string
  /** The methods of the requests in them, for reading the answers. */
  readonly methods: readonly string[]
  /** In the target of every request that was meant. */
  readonly id: string
}

/** How long nothing has to happen on a connection that nobody ends, in milliseconds. */
const QUIET = 150

/** Says the same to Vouchgate and directly to an API. @returns what went wrong, in words; nothing when all is well */
export async function differences(
  at: Target,
  direct: RecordingUpstream,
  { octets, methods, id }: Spoken,
): Promise<string | undefined> {
  const before = {
    here: at.upstream.arrived.length,
    there: direct.arrived.length,
    faults: at.upstream.faults.length,
  }
  const [through] = await Promise.all([tell(at, octets), tellDirectly(direct.port, octets)])
  await at.serves()
  const arrived = at.upstream.arrived
    .slice(before.here)
    .filter(({ target }) => target !== '/healthy')
  const wanted = direct.arrived.slice(before.there)
  const faults = at.upstream.faults.slice(before.faults)
  if (faults.length > 0) return `no request: ${faults.join()}`
  return matched(arrived, wanted) ?? answered(through, methods, arrived, id)
}

/** Every request that arrived is one that arrives directly too, and none is it twice. */
export function matched(
  arrived: readonly Message[],
  wanted: readonly Arrived[],
): string | undefined {
  const left = [...wanted]
  for (const one of arrived) {
    const seen = `${one.method} ${one.target} with ${one.body.length} octets`
    const place = left.findIndex(
      ({ method, url, body, rawHeaders }) =>
        method === one.method &&
        url === one.target &&
        body.toString('latin1') === one.body &&
        same(endToEnd(one), whatShouldArrive(rawHeaders)),
    )
    if (place === -1) {
      const lines = left.map(({ method, url, body, rawHeaders }) =>
        JSON.stringify([method, url, body.length, whatShouldArrive(rawHeaders)]),
      )
      return `nobody asked for ${seen} ${JSON.stringify(endToEnd(one))}, but for ${lines.join('\n')}`
    }
    left.splice(place, 1)
    const told = one.values('x-client-id').join()
    const proven = one.target.startsWith('/api') ? 'batch' : ''
    if (told !== proven) return `${seen} came from "${told}"`
  }
  return undefined
}

function same(one: readonly string[], other: readonly string[]): boolean {
  return one.join('\n') === other.join('\n')
}

/** The header lines that are the client's. */
function endToEnd({ headers }: Message): readonly string[] {
  return headers.flatMap((name, i) =>
    i % 2 === 0 && !isOurs(fold(name)) ? [`${name.toLowerCase()}: ${headers[i + 1] ?? ''}`] : [],
  )
}

const ENDING = new Set([400, 408, 413, 431, 501])

/** Answers come in the order of the requests, each to its own; after a refusal that ends the connection there is none. */
function answered(
  received: string,
  methods: readonly string[],
  arrived: readonly Message[],
  id: string,
): string | undefined {
  let answers: readonly Message[]
  try {
    answers = readMessages(received, methods).messages.filter(({ status }) => status >= 200)
  } catch (error) {
    return `no answer: ${(error as Error).message}`
  }
  const refused = answers.findIndex(({ status }) => ENDING.has(status))
  if (refused !== -1 && refused < answers.length - 1) {
    return `an answer behind a ${answers[refused]?.status}`
  }
  const echoed = answers.map((one) => one.values('x-echo').join()).filter((text) => text !== '')
  if (new Set(echoed).size !== echoed.length) return `two answers of one request: ${echoed.join()}`
  for (const text of echoed) {
    if (!arrived.some(({ target }) => target === text))
      return `an answer to ${text}, which never came`
  }
  const meant = echoed
    .filter((text) => text.includes(id))
    .map((text) => Number(/\.(\d+)\./.exec(text)?.[1]))
  if (meant.some((number, i) => i > 0 && number <= (meant[i - 1] ?? 0))) {
    return `answers out of order: ${echoed.join()}`
  }
  return undefined
}

async function tell(at: Target, octets: string): Promise<string> {
  const endings: (() => unknown)[] = []
  const client = await at.open({ teardown: (end) => endings.push(end) }, octets)
  const received = await settled(client.socket, client.received)
  for (const end of endings) await end()
  return received
}

/** Says the octets directly to an API, and waits until it has nothing more to say. */
export async function tellDirectly(port: number, octets: string): Promise<void> {
  const socket = connect(port, '127.0.0.1')
  let received = ''
  socket.on('error', () => undefined).on('data', (chunk) => (received += chunk.toString('latin1')))
  await once(socket, 'connect')
  socket.write(octets, 'latin1')
  await settled(socket, () => received)
  socket.destroy()
}

/** Waits for the other side to end the connection, or to say nothing for a while: it may wait for more itself. */
async function settled(socket: Socket, received: () => string): Promise<string> {
  const closed = new Promise((resolve) => {
    if (socket.closed) resolve(undefined)
    socket.once('close', resolve)
  })
  for (let length = -1; length !== received().length && !socket.closed;) {
    length = received().length
    await Promise.race([closed, pause(QUIET, undefined, { ref: false })])
  }
  return received()
}

/** What the upstream answers: which request it was. */
export function echo({ method, target }: Message): string {
  const body = method === 'HEAD' ? '' : target
  return `HTTP/1.1 200 OK\r\nX-Echo: ${target}\r\nContent-Length: ${target.length}\r\n\r\n${body}`
}

/** How who may call proves it. */
export const PROOF = ['Authorization', AUTHORIZATION] as const
