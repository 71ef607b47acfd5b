import { once } from 'node:events'
import { connect } from 'node:tls'

/** Sends bytes as they stand over TLS. @returns all that comes back until the other side ends the connection */
export async function sendRaw(port: number, ca: string, bytes: string | Buffer): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port, servername: 'localhost', ca })
  let text = ''
  socket.on('data', (chunk: Buffer) => (text += chunk.toString('latin1')))
  // The other side may answer and close before it has read all.
  socket.on('error', () => undefined)
  socket.write(bytes)
  await once(socket, 'close')
  return text
}
