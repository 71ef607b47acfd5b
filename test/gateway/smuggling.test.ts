import test from 'ava'

import { fateOf } from './support/never-smuggled.ts'

const ADMIN = 'GET /admin HTTP/1.1\r\nHost: a\r\nX-Client-Id: root\r\n\r\n'
const CHUNKED_ADMIN = `${ADMIN.length.toString(16)}\r\n${ADMIN}\r\n0\r\n\r\n`

/** A request with these lines, and what follows its head. */
function request(startLine: string, lines: readonly string[], rest: string = ''): Buffer {
  const head = [`${startLine} HTTP/1.1`, 'Host: a', ...lines, '', ''].join('\r\n')
  return Buffer.from(head + rest, 'latin1')
}

/** Requests that are forwarded, once, with the body they came with. */
const FORWARDED: Readonly<Record<string, Buffer>> = {
  ...Object.fromEntries(
    ['DELETE', 'OPTIONS', 'GET', 'HEAD', 'PATCH', 'PURGE'].flatMap((method) => [
      [
        `${method} with a chunked body that is a request`,
        request(`${method} /x`, ['Transfer-Encoding: chunked'], CHUNKED_ADMIN),
      ],
      [
        `${method} with a sized body that is a request`,
        request(`${method} /x`, [`Content-Length: ${ADMIN.length}`], ADMIN),
      ],
    ]),
  ),
  'a large chunked body made of requests': request(
    'POST /x',
    ['Transfer-Encoding: chunked'],
    `${CHUNKED_ADMIN.slice(0, -5).repeat(2000)}0\r\n\r\n`,
  ),
  'trailers that name the caller': request(
    'POST /x',
    ['Transfer-Encoding: chunked', 'Trailer: X-Client-Id'],
    '1\r\nx\r\n0\r\nX-Client-Id: root\r\nX_Client_Id: root\r\n\r\n',
  ),
  'chunk extensions': request(
    'POST /x',
    ['Transfer-Encoding: chunked'],
    '1;X-Client-Id="root"\r\nx\r\n0\r\n\r\n',
  ),
  'an upgrade to HTTP/2': request(
    'GET /x',
    [['Connection: Upgrade, HTTP2-Settings', 'Upgrade: h2c', 'HTTP2-Settings: AAMAAABk']].flat(),
  ),
  'an upgrade to WebSocket': request(
    'GET /x',
    [['Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Key: x']].flat(),
  ),
  'identity in many spellings': request(
    'GET /x',
    [
      ['X_Client_Id: root', 'x-client_id: root', 'X.Client.Id: root', 'x-client-id: root'],
      ['X-Client-Id: root', 'X-Client-Id: other', 'x_client_extra_role: root'],
    ].flat(),
  ),
  'a Connection header that names hop-by-hop headers': request(
    'GET /x',
    [['Connection: close, TE, X-Forwarded-For, x-secret', 'X-Secret: 1', 'TE: trailers']].flat(),
  ),
}

for (const [what, bytes] of Object.entries(FORWARDED)) {
  test(`${what}: one request, unchanged`, async (t) => {
    const fate = await fateOf(t, bytes, { answers: 1 })
    t.deepEqual(fate.statuses, [200])
    t.is(fate.forwarded.length, 1)
    const [arrived] = fate.forwarded
    t.notRegex(
      arrived?.headers.join('\n') ?? '',
      /root|^(?:te|upgrade|trailer|http2-settings|x-secret)$/im,
    )
    t.is(arrived?.body.includes('/admin'), what.includes('request'))
  })
}

/** Requests that go no further, and the status they get. */
const REFUSED: Readonly<Record<string, readonly [status: number, bytes: Buffer]>> = {
  'both framings': [
    400,
    request('POST /x', ['Content-Length: 4', 'Transfer-Encoding: chunked'], `0\r\n\r\n${ADMIN}`),
  ],
  'both framings, the other way round': [
    400,
    request('POST /x', ['Transfer-Encoding: chunked', 'Content-Length: 4'], `0\r\n\r\n${ADMIN}`),
  ],
  'two lengths': [400, request('POST /x', ['Content-Length: 0', 'Content-Length: 5'], ADMIN)],
  'the same length twice': [400, request('POST /x', ['Content-Length: 0', 'Content-Length: 0'])],
  'an octal length': [400, request('POST /x', ['Content-Length: 010'], '12345678')],
  'a signed length': [400, request('POST /x', ['Content-Length: +0'], ADMIN)],
  'a list of lengths': [400, request('POST /x', ['Content-Length: 0, 0'], ADMIN)],
  'a length with a blank before the colon': [
    400,
    request('POST /x', ['Content-Length : 0'], ADMIN),
  ],
  'a folded length': [400, request('POST /x', ['X: y', ' Content-Length: 5'], ADMIN)],
  'an underscored length': [400, request('POST /x', ['Content_Length: 5'], ADMIN)],
  'an underscored coding': [400, request('POST /x', ['Transfer_Encoding: chunked'], CHUNKED_ADMIN)],
  'a coding with a comma before': [
    501,
    request('POST /x', ['Transfer-Encoding: ,chunked'], CHUNKED_ADMIN),
  ],
  'two codings in a line': [
    501,
    request('POST /x', ['Transfer-Encoding: gzip, chunked'], CHUNKED_ADMIN),
  ],
  'two codings in two lines': [
    400,
    request('POST /x', ['Transfer-Encoding: chunked', 'Transfer-Encoding: chunked'], CHUNKED_ADMIN),
  ],
  'chunked before another coding': [
    400,
    request('POST /x', ['Transfer-Encoding: chunked, identity'], CHUNKED_ADMIN),
  ],
  'a coding behind a vertical tab': [
    400,
    request('POST /x', ['Transfer-Encoding: \u000Bchunked'], CHUNKED_ADMIN),
  ],
  'a Connection header that names the length': [
    400,
    request('POST /x', ['Connection: content-length', `Content-Length: ${ADMIN.length}`], ADMIN),
  ],
  'a Connection header that names the coding': [
    400,
    request(
      'DELETE /x',
      ['Connection: close, Transfer-Encoding', 'Transfer-Encoding: chunked'],
      CHUNKED_ADMIN,
    ),
  ],
  'a Connection header that names our header': [
    400,
    request('GET /x', ['Connection: keep-alive, x_client_ID']),
  ],
  'two hosts': [400, request('GET /x', ['Host: b'])],
  'two authorizations': [
    400,
    request('GET /x', ['Authorization: Basic a', 'authorization: Basic b']),
  ],
  'an absolute target': [400, request('GET http://evil/x', [])],
  'a target that is a fragment of another': [400, request('GET /x#/admin', [])],
  'a target that climbs': [400, request('GET /x/../admin', [])],
  'a target that climbs in disguise': [400, request('GET /x/%2e%2e/admin', [])],
  'the asterisk': [400, request('OPTIONS *', [])],
  'no host in HTTP/1.0': [400, Buffer.from('GET /x HTTP/1.0\r\n\r\n')],
  'chunks in HTTP/1.0': [
    400,
    Buffer.from(
      `POST /x HTTP/1.0\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n${CHUNKED_ADMIN}`,
    ),
  ],
  'a bare CR in a value': [400, request('GET /x', ['A: b\rX-Client-Id: root'])],
  'a bare LF between lines': [400, Buffer.from('GET /x HTTP/1.1\nHost: a\nX: y\n\n')],
  'a NUL in a value': [400, request('GET /x', ['A: b\u0000c'])],
  'a name with a blank': [400, request('GET /x', ['X-Client-Id : root'])],
  'more headers than allowed': [
    431,
    request(
      'GET /x',
      Array.from({ length: 100 }, (_, i) => `X-${i}: 1`),
    ),
  ],
}

for (const [what, [status, bytes]] of Object.entries(REFUSED)) {
  test(`${what}: refused, and the connection ends`, async (t) => {
    const fate = await fateOf(t, bytes, { closed: true })
    t.deepEqual(fate.statuses, [status])
    t.deepEqual(fate.forwarded, [])
  })
}

test('CONNECT opens no tunnel', async (t) => {
  const connect = Buffer.from('CONNECT a:443 HTTP/1.1\r\nHost: a\r\n\r\n')
  t.deepEqual((await fateOf(t, connect, { closed: true })).forwarded, [])
})

test('a request behind one that was refused for its body is not taken for a new one', async (t) => {
  const lines = ['X-Client-Id : root', `Content-Length: ${ADMIN.length}`]
  const fate = await fateOf(
    t,
    Buffer.concat([request('POST /x', lines, ADMIN), request('GET /y', [])]),
  )
  t.deepEqual(fate.forwarded, [])
})

test('a small body that nobody read does not become a request', async (t) => {
  const refused = request('POST /x;y', [`Content-Length: ${ADMIN.length}`], ADMIN)
  const bytes = Buffer.concat([refused, request('GET /y', [])])
  const fate = await fateOf(t, bytes, { closed: true })
  t.deepEqual(fate.forwarded, [])
  t.deepEqual(fate.statuses, [400])
})
