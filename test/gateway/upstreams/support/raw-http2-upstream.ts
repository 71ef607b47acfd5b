import { once } from 'node:events'
import { createServer } from 'node:net'
import type { AddressInfo, Socket } from 'node:net'

import type { Ending } from '../../../support/recording-upstream.ts'

/** Bytes of a frame before its payload. */
const HEAD = 9

/** Frames as they stand on the wire (RFC 9113 §6), for what no server of Node's would send. */
export const FRAMES = {
  settings: frame(4, 0, 0),
  settingsAck: frame(4, 1, 0),
  /** `:status: 200`, by its index in the static table. */
  head: (stream: number, isEnd = false) => frame(1, isEnd ? 5 : 4, stream, Buffer.of(0x88)),
  data: (stream: number, text: string, isEnd = false) =>
    frame(0, isEnd ? 1 : 0, stream, Buffer.from(text)),
  reset: (stream: number, code: number) => frame(3, 0, stream, words(code)),
  goaway: (lastStream: number, code: number) => frame(7, 0, 0, words(lastStream, code)),
}

/** Called for each HEADERS frame. `connection` counts from 0. */
export type FrameAnswer = (socket: Socket, stream: number, connection: number) => void

export interface RawHttp2Upstream {
  readonly port: number
  /** Types of the frames that came, by connection: `HEADERS 1 end`, `DATA 1`, `RST_STREAM 1`. */
  readonly frames: readonly string[][]
}

const TYPES = ['DATA', 'HEADERS', 'PRIORITY', 'RST_STREAM', 'SETTINGS', 'PUSH', 'PING', 'GOAWAY']
const PREFACE = 24

/** An upstream that says just these frames. */
export async function rawHttp2Upstream(t: Ending, answer: FrameAnswer): Promise<RawHttp2Upstream> {
  const frames: string[][] = []
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    const connection = frames.length
    const seen: string[] = []
    frames.push(seen)
    sockets.add(socket)
    let rest: Buffer = Buffer.alloc(0)
    let isGreeted = false
    socket.on('error', () => undefined)
    socket.write(FRAMES.settings)
    socket.on('data', (chunk: Buffer) => {
      rest = Buffer.concat([rest, chunk])
      if (!isGreeted && rest.length >= PREFACE) {
        isGreeted = true
        rest = rest.subarray(PREFACE)
      }
      if (!isGreeted) return
      while (rest.length >= HEAD && rest.length >= HEAD + rest.readUIntBE(0, 3)) {
        const [type = 0, flags = 0] = rest.subarray(3, 5)
        const stream = rest.readUInt32BE(5)
        rest = rest.subarray(HEAD + rest.readUIntBE(0, 3))
        const isEnd = type < 2 && (flags & 1) === 1
        seen.push(`${TYPES[type] ?? 'WINDOW_UPDATE'} ${stream}${isEnd ? ' end' : ''}`)
        if (type === 4 && (flags & 1) === 0) socket.write(FRAMES.settingsAck)
        if (type === 1) answer(socket, stream, connection)
      }
    })
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, frames }
}

function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Buffer = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(HEAD)
  head.writeUIntBE(payload.length, 0, 3)
  head.writeUInt8(type, 3)
  head.writeUInt8(flags, 4)
  head.writeUInt32BE(stream, 5)
  return Buffer.concat([head, payload])
}

function words(...values: number[]): Buffer {
  const bytes = Buffer.alloc(4 * values.length)
  for (const [index, value] of values.entries()) bytes.writeUInt32BE(value, 4 * index)
  return bytes
}
