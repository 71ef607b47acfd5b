import { EventEmitter, once } from 'node:events'

import { Client, credentials, Metadata, Server, ServerCredentials, status } from '@grpc/grpc-js'
import type {
  CallOptions,
  ClientUnaryCall,
  MethodDefinition,
  sendUnaryData,
  ServerDuplexStream,
  ServerReadableStream,
  ServerUnaryCall,
  ServerWritableStream,
  ServiceError,
  StatusObject,
} from '@grpc/grpc-js'
import test from 'ava'

import { freePort } from '../gateway/support/free-port.ts'
import { secretClient } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import type { Ending } from '../support/recording-upstream.ts'
import { basic } from '../support/send.ts'
import { sharedSidecar } from '../support/shared-sidecar.ts'
import { tokenOf, tokenRequest } from '../support/token-request.ts'

const SECRET = 'a generated secret'

const pass = (bytes: Buffer): Buffer => bytes
const codec = {
  requestSerialize: pass,
  requestDeserialize: pass,
  responseSerialize: pass,
  responseDeserialize: pass,
}

function method(
  name: string,
  requestStream: boolean,
  responseStream: boolean,
): MethodDefinition<Buffer, Buffer> {
  return { path: `/test.Echo/${name}`, requestStream, responseStream, ...codec }
}

const SERVICE = {
  unary: method('Unary', false, false),
  serverStream: method('ServerStream', false, true),
  clientStream: method('ClientStream', true, false),
  bidi: method('Bidi', true, true),
  fail: method('Fail', false, false),
  hang: method('Hang', false, false),
  admin: method('Admin', false, false),
}

type Reply = sendUnaryData<Buffer>

/** What the server knows of calls that it does not answer. */
const hanging = new EventEmitter()

const IMPLEMENTATION = {
  unary(call: ServerUnaryCall<Buffer, Buffer>, reply: Reply) {
    const head = new Metadata()
    head.set('x-seen-client', call.metadata.get('x-client-id')[0] ?? 'nobody')
    head.set('x-seen-method', call.metadata.get('x-client-auth-method')[0] ?? 'none')
    head.set('x-seen-custom-bin', call.metadata.get('custom-bin')[0] ?? Buffer.alloc(0))
    call.sendMetadata(head)
    const tail = new Metadata()
    tail.set('x-tail', 'after')
    reply(null, call.request, tail)
  },
  serverStream(call: ServerWritableStream<Buffer, Buffer>) {
    for (let i = 0; i < 5; i++) call.write(Buffer.from(`${call.request.toString()} ${i}`))
    call.end()
  },
  clientStream(call: ServerReadableStream<Buffer, Buffer>, reply: Reply) {
    let all = ''
    call.on('data', (piece: Buffer) => (all += piece.toString()))
    call.on('end', () => reply(null, Buffer.from(all)))
  },
  bidi(call: ServerDuplexStream<Buffer, Buffer>) {
    call.on('data', (piece: Buffer) => call.write(piece))
    call.on('end', () => call.end())
  },
  fail(_call: ServerUnaryCall<Buffer, Buffer>, reply: Reply) {
    const metadata = new Metadata()
    metadata.set('x-why', 'no reason')
    reply({ code: status.FAILED_PRECONDITION, details: 'caf\u00E9 % closed', metadata })
  },
  hang(call: ServerUnaryCall<Buffer, Buffer>) {
    const name = call.request.toString()
    call.on('cancelled', () => hanging.emit(`${name} cancelled`))
    hanging.emit(`${name} arrived`)
  },
  admin(_call: ServerUnaryCall<Buffer, Buffer>, reply: Reply) {
    reply(null, Buffer.from('never'))
  },
}

async function grpcServer(t: Ending): Promise<number> {
  const server = new Server()
  server.addService(SERVICE, IMPLEMENTATION)
  const { promise, resolve, reject } = Promise.withResolvers<number>()
  server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
    if (error) reject(error)
    else resolve(port)
  })
  t.teardown(() => server.forceShutdown())
  return promise
}

const endings: (() => unknown)[] = []
test.after.always(async () => {
  for (const end of endings) await end()
})

const running = sharedSidecar(test, async () => {
  const port = await grpcServer({ teardown: (end) => endings.push(end) })
  const { client } = await pki()
  return {
    settings: {
      upstream: { targets: [`http://127.0.0.1:${port}`], protocol: 'h2' },
      upstreams: { gone: { targets: [`http://127.0.0.1:${await freePort()}`], protocol: 'h2' } },
      routes: [
        { path: '/test.Echo/Admin', scopes: ['admin'] },
        { path: '/test.Echo/Gone', upstream: 'gone' },
      ],
    },
    clients: [
      secretClient('batch', SECRET),
      {
        clientId: 'laptop',
        clientSecrets: [{ type: 'X509Thumbprint', value: client.x509.fingerprint256 }],
        allowedScopes: ['read'],
      },
    ],
  }
})

interface Caller {
  readonly cert?: string
  readonly key?: string
}

/** A client of its own connection. */
function echo(t: Ending, { cert, key }: Caller = {}): Client {
  const { port, pki: authorities } = running()
  const ca = Buffer.from(authorities.rootCa.pem)
  const channel = credentials.createSsl(
    ca,
    key === undefined ? null : Buffer.from(key),
    cert === undefined ? null : Buffer.from(cert),
  )
  const client = new Client(`localhost:${port}`, channel)
  t.teardown(() => {
    client.close()
  })
  return client
}

function proven(authorization = basic('batch', SECRET)): Metadata {
  const metadata = new Metadata()
  metadata.set('authorization', authorization)
  return metadata
}

interface Unary {
  readonly error: ServiceError | null
  readonly answer: string | undefined
  readonly head: Metadata
  readonly status: StatusObject
}

async function unary(
  client: Client,
  { path }: MethodDefinition<Buffer, Buffer>,
  metadata: Metadata,
  options: CallOptions = {},
): Promise<Unary> {
  const { promise, resolve } = Promise.withResolvers<[ServiceError | null, Buffer | undefined]>()
  const body = Buffer.from('hello')
  const call: ClientUnaryCall = client.makeUnaryRequest(
    path,
    pass,
    pass,
    body,
    metadata,
    options,
    (error, answer) => {
      resolve([error, answer])
    },
  )
  let head = new Metadata()
  call.on('metadata', (received: Metadata) => (head = received))
  const ended = once(call, 'status') as Promise<[StatusObject]>
  const [error, answer] = await promise
  const [last] = await ended
  return { error, answer: answer?.toString(), head, status: last }
}

test('a unary call arrives with who calls, and its answer with metadata on both ends', async (t) => {
  const metadata = proven()
  metadata.set('x-client-id', 'root')
  metadata.set('custom-bin', Buffer.of(0, 1, 255))
  const { error, answer, head, status: last } = await unary(echo(t), SERVICE.unary, metadata)
  t.is(error, null)
  t.is(answer, 'hello')
  t.deepEqual(head.get('x-seen-client'), ['batch'])
  t.deepEqual(head.get('x-seen-custom-bin'), [Buffer.of(0, 1, 255)])
  t.is(last.code, status.OK)
  t.deepEqual(last.metadata.get('x-tail'), ['after'])
})

test('an access token and a client certificate prove the caller as well', async (t) => {
  const { client } = await pki()
  const granted = await running().send(
    tokenRequest({ headers: { authorization: basic('batch', SECRET) } }),
  )
  const bearer = proven(`Bearer ${tokenOf(t, granted)}`)
  const byToken = await unary(echo(t), SERVICE.unary, bearer)
  t.deepEqual(byToken.head.get('x-seen-client'), ['batch'])
  t.deepEqual(byToken.head.get('x-seen-method'), ['bearer'])
  const byCertificate = await unary(echo(t, client), SERVICE.unary, new Metadata())
  t.deepEqual(byCertificate.head.get('x-seen-client'), ['laptop'])
})

test('a server streams', async (t) => {
  const call = echo(t).makeServerStreamRequest(
    SERVICE.serverStream.path,
    pass,
    pass,
    Buffer.from('piece'),
    proven(),
  )
  const pieces: string[] = []
  for await (const piece of call) pieces.push(String(piece))
  t.deepEqual(pieces, ['piece 0', 'piece 1', 'piece 2', 'piece 3', 'piece 4'])
})

test('a client streams', async (t) => {
  const { promise, resolve, reject } = Promise.withResolvers<Buffer | undefined>()
  const call = echo(t).makeClientStreamRequest<Buffer, Buffer>(
    SERVICE.clientStream.path,
    pass,
    pass,
    proven(),
    (error, answer) => {
      if (error) reject(error)
      else resolve(answer)
    },
  )
  for (let i = 0; i < 100; i++) call.write(Buffer.from(`${i},`))
  call.end()
  t.is(String(await promise), Array.from({ length: 100 }, (_, i) => `${i},`).join(''))
})

test('both stream at once: each answer is there before the next question', async (t) => {
  const call = echo(t).makeBidiStreamRequest<Buffer, Buffer>(
    SERVICE.bidi.path,
    pass,
    pass,
    proven(),
  )
  for (const piece of ['one', 'two', 'three']) {
    call.write(Buffer.from(piece))
    const [answer] = (await once(call, 'data')) as [Buffer]
    t.is(answer.toString(), piece)
  }
  const ended = once(call, 'status') as Promise<[StatusObject]>
  call.end()
  call.resume()
  t.is((await ended)[0].code, status.OK)
})

test('an error of the API arrives with its status, its words and its trailers', async (t) => {
  const { error } = await unary(echo(t), SERVICE.fail, proven())
  t.is(error?.code, status.FAILED_PRECONDITION)
  t.is(error?.details, 'caf\u00E9 % closed')
  t.deepEqual(error?.metadata.get('x-why'), ['no reason'])
})

test('a method that the API does not have is UNIMPLEMENTED in its words, not in ours', async (t) => {
  const { error } = await unary(echo(t), method('Nothing', false, false), proven())
  t.is(error?.code, status.UNIMPLEMENTED)
  t.regex(error?.details ?? '', /Nothing/)
})

test('a call that is given up is cancelled at the API', async (t) => {
  const arrived = once(hanging, 'given up arrived')
  const cancelled = once(hanging, 'given up cancelled')
  const call = echo(t).makeUnaryRequest(
    SERVICE.hang.path,
    pass,
    pass,
    Buffer.from('given up'),
    proven(),
    () => undefined,
  )
  const ended = once(call, 'status') as Promise<[StatusObject]>
  await arrived
  call.cancel()
  await cancelled
  t.is((await ended)[0].code, status.CANCELLED)
})

test('the deadline of a call counts', async (t) => {
  const { error } = await unary(echo(t), SERVICE.hang, proven(), { deadline: Date.now() + 200 })
  t.is(error?.code, status.DEADLINE_EXCEEDED)
})

test('what we refuse a gRPC client sees as the status that its HTTP status stands for', async (t) => {
  const unproven = await unary(echo(t), SERVICE.unary, new Metadata())
  t.is(unproven.error?.code, status.UNAUTHENTICATED)
  const wrong = await unary(echo(t), SERVICE.unary, proven(basic('batch', 'wrong')))
  t.is(wrong.error?.code, status.UNAUTHENTICATED)
  const forbidden = await unary(echo(t), SERVICE.admin, proven())
  t.is(forbidden.error?.code, status.PERMISSION_DENIED)
  const gone = await unary(echo(t), method('Gone', false, false), proven())
  t.is(gone.error?.code, status.UNAVAILABLE)
  const reasons = running()
    .refusals()
    .map(({ reason }) => reason)
  t.true(reasons.includes('scope-missing'), String(reasons))
})
