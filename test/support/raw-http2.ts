import { once } from 'node:events'
import { connect } from 'node:tls'
import type { ConnectionOptions, TLSSocket } from 'node:tls'

import type { Ending } from './recording-upstream.ts'

/** RFC 9113 §6. */
export const FRAME = {
  data: 0,
  headers: 1,
  priority: 2,
  reset: 3,
  settings: 4,
  ping: 6,
  goaway: 7,
  windowUpdate: 8,
  continuation: 9,
} as const

/** RFC 9113 §7, those that are looked for. */
export const CODE = {
  none: 0,
  protocol: 1,
  internal: 2,
  refusedStream: 7,
  cancel: 8,
  enhanceYourCalm: 11,
} as const

export const [END_STREAM, END_HEADERS, ACK] = [1, 4, 1]

export interface Frame {
  readonly type: number
  readonly flags: number
  readonly stream: number
  readonly payload: Buffer
}

export type Line = readonly [name: string, value: string]

/** An HTTP/2 connection on which a test says what it likes. */
export interface RawHttp2 {
  readonly socket: TLSSocket
  /** Everything received. */
  readonly frames: readonly Frame[]
  write(...frames: readonly Buffer[]): void
  /** Resolves with the first frame that fits, or with nothing when the connection has closed without it. */
  until(fits: (frame: Frame) => boolean): Promise<Frame | undefined>
  closed(): Promise<void>
}

/** Opens a connection that speaks HTTP/2. Settings are sent and never acknowledged. */
export async function openRawHttp2(
  t: Ending,
  port: number,
  options: ConnectionOptions,
): Promise<RawHttp2> {
  const socket = connect({
    host: '127.0.0.1',
    port,
    servername: 'localhost',
    ALPNProtocols: ['h2'],
    ...options,
  })
  t.teardown(() => socket.destroy())
  await once(socket, 'secureConnect')
  const frames: Frame[] = []
  let rest = Buffer.alloc(0)
  socket.on('data', (chunk: Buffer) => {
    rest = Buffer.concat([rest, chunk])
    for (let one = readFrame(rest); one; one = readFrame(rest)) {
      frames.push(one)
      rest = rest.subarray(9 + one.payload.length)
    }
    socket.emit('frame')
  })
  // the other side may close before it has read all
  socket.on('error', () => undefined)
  const { promise: closed, resolve } = Promise.withResolvers<void>()
  socket.once('close', () => {
    socket.emit('frame')
    resolve()
  })
  socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
  socket.write(frame(FRAME.settings, 0, 0))
  return {
    socket,
    frames,
    write(...more) {
      socket.write(Buffer.concat(more))
    },
    async until(fits) {
      for (;;) {
        const found = frames.find(fits)
        if (found || socket.closed) return found
        await new Promise((next) => socket.once('frame', next))
      }
    },
    closed: () => closed,
  }
}

export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer | string | readonly number[] = '',
): Buffer {
  const body = typeof payload === 'string' ? Buffer.from(payload, 'latin1') : Buffer.from(payload)
  const head = Buffer.alloc(9)
  head.writeUIntBE(body.length, 0, 3)
  head[3] = type
  head[4] = flags
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, body])
}

/** A header block (RFC 7541 §6.2.2): every line as a literal, as it stands. */
export function block(lines: readonly Line[]): Buffer {
  return Buffer.concat(
    lines.flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]),
  )
}

/** A HEADERS frame of a request; `lines` come after the pseudo-headers. */
export function request(
  stream: number,
  lines: readonly Line[] = [],
  { method = 'GET', path = '/', authority = 'localhost', body = false } = {},
): Buffer {
  const head: Line[] = [
    [':method', method],
    [':scheme', 'https'],
    [':authority', authority],
    [':path', path],
  ]
  const flags = END_HEADERS | (body ? 0 : END_STREAM)
  return frame(FRAME.headers, flags, stream, block([...head, ...lines]))
}

export function reset(stream: number, code: number): Buffer {
  return frame(FRAME.reset, 0, stream, [0, 0, 0, code])
}

/** The error code of RST_STREAM or GOAWAY. */
export function codeOf({ type, payload }: Frame): number {
  return payload.readUInt32BE(type === FRAME.goaway ? 4 : 0)
}

export const isReset = (stream: number) => (one: Frame) =>
  one.type === FRAME.reset && one.stream === stream
export const isGoaway = (one: Frame) => one.type === FRAME.goaway
export const isAnswer = (stream: number) => (one: Frame) =>
  one.type === FRAME.headers && one.stream === stream

function readFrame(bytes: Buffer): Frame | undefined {
  if (bytes.length < 9) return undefined
  const end = 9 + bytes.readUIntBE(0, 3)
  if (bytes.length < end) return undefined
  const [, , , type = 0, flags = 0] = bytes
  return { type, flags, stream: bytes.readUInt32BE(5), payload: bytes.subarray(9, end) }
}

function text(value: string): Buffer {
  const bytes = Buffer.from(value, 'latin1')
  return Buffer.concat([length(bytes.length), bytes])
}

/** RFC 7541 §5.1, with a prefix of seven bits. */
function length(value: number): Buffer {
  if (value < 127) return Buffer.from([value])
  const bytes = [127]
  let rest = value - 127
  for (; rest >= 128; rest = Math.floor(rest / 128)) bytes.push((rest % 128) | 128)
  return Buffer.from([...bytes, rest])
}
