import test from 'ava'
import fc from 'fast-check'

import { readRequestTarget } from '../../src/gateway/request-target.ts'

const ACCEPTED: readonly (readonly [url: string, path: string, query: string])[] = [
  ['/', '/', ''],
  ['/orders/17', '/orders/17', ''],
  ['/orders/', '/orders/', ''],
  ['/orders?', '/orders', '?'],
  ['/orders?a=1&b=//../%2e;x', '/orders', '?a=1&b=//../%2e;x'],
  ['/?q=a?b?c', '/', '?q=a?b?c'],
  ['/x?filter[a]={"b":1}|^`', '/x', '?filter[a]={"b":1}|^`'],
  ["/-._~!$&'()*+,=:@", "/-._~!$&'()*+,=:@", ''],
  ['/caf%C3%A9/%e2%82%ac/%F0%9F%98%80', '/caf%C3%A9/%e2%82%ac/%F0%9F%98%80', ''],
  ['/users/a%40b.example/C%23%20%3F', '/users/a%40b.example/C%23%20%3F', ''],
  ['/...', '/...', ''],
  ['/.well-known/x', '/.well-known/x', ''],
  ['/a..b/..c', '/a..b/..c', ''],
]

for (const [url, path, query] of ACCEPTED) {
  test(`${url} is read as the path ${path} and the query ${query}`, (t) => {
    t.deepEqual(readRequestTarget(url), { ok: true, path, query })
  })
}

const REFUSED: Readonly<Record<string, readonly string[]>> = {
  'path-empty': [''],
  'path-asterisk-form': ['*'],
  'path-absolute-form': ['http://evil/x', 'HTTPS://evil/', 'ws://evil'],
  'path-authority-form': ['evil:443', 'orders', '?x', '../a', '%2fa'],
  'path-too-long': [`/${'a'.repeat(8192)}`],
  'path-fragment': ['/a#b', '/#', '/health#/../admin'],
  'query-fragment': ['/a?b#c'],
  'path-backslash': ['/a\\b', '/\\evil'],
  'path-semicolon': ['/a;b', '/;/admin', '/..;/admin'],
  'path-space': ['/a b', '/ '],
  'query-space': ['/a?b c'],
  'path-control': ['/a\tb', '/a\r\nX: y', '/a\u0000', '/a\u007F'],
  'query-control': ['/a?b\nc', '/a?\u007F'],
  'path-non-ascii': ['/caf\u00E9', '/\u2025', '/\uD800'],
  'query-non-ascii': ['/a?\u00E9'],
  'path-character': ['/a"b', '/<a>', '/[a]', '/a^b', '/a`b', '/{a}', '/a|b'],
  'path-empty-segment': ['//', '//evil/x', '/a//b', '/a//', '//?x'],
  'path-dot-segment': ['/.', '/..', '/./a', '/a/../b', '/a/..', '/a/.?x', '/../'],
  'path-malformed-escape': ['/%', '/%4', '/%zz', '/%+1', '/%0x', '/a%2', '/%u0041', '/%%34%31'],
  'path-invalid-utf8': [
    '/%c0%ae',
    '/%C0%AF',
    '/%e0%80%ae',
    '/%80',
    '/%ff',
    '/%e9',
    '/%c3',
    '/%c3%28',
    '/%c3a',
    '/%ed%a0%80',
    '/%f0%80%80%ae',
    '/%f4%90%80%80',
    '/%e2%82',
  ],
  'path-encoded-nul': ['/a%00', '/a%00.html'],
  'path-encoded-control': ['/%0d%0a', '/%09', '/%1f', '/%7f', '/%7F'],
  'path-encoded-dot': ['/%2e', '/%2E%2e/admin', '/a%2ehtml', '/.%2e/'],
  'path-encoded-slash': ['/a%2fb', '/a%2Fb'],
  'path-encoded-backslash': ['/a%5cb', '/a%5C..'],
  'path-encoded-percent': ['/%252e', '/%25'],
  'path-encoded-semicolon': ['/a%3bb', '/..%3B/'],
  'path-encoded-unreserved': ['/%61dmin', '/%41', '/%30', '/%2d', '/%5F', '/%7e'],
}

for (const [reason, urls] of Object.entries(REFUSED)) {
  for (const url of urls) {
    test(`${JSON.stringify(url).slice(0, 40)} is refused: ${reason}`, (t) => {
      const target = readRequestTarget(url)
      t.false(target.ok)
      t.is(target.ok ? '' : target.reason, reason)
    })
  }
}

test('the longest target allowed is read, and the limit can be set', (t) => {
  t.true(readRequestTarget(`/${'a'.repeat(8191)}`).ok)
  t.false(readRequestTarget('/abcd', 4).ok)
})

test('what a refusal tells the operator is short and visible ASCII', (t) => {
  const pieces = fc.constantFrom('/', '.', '%', '\\', '\u0000', '\r\n', 'é', '\uD800', '%2e', '%c0')
  fc.assert(
    fc.property(fc.array(fc.oneof(pieces, fc.string()), { maxLength: 20 }), (parts) => {
      const target = readRequestTarget(`/${parts.join('')}`)
      return target.ok || /^[ -~]{0,60}$/.test(target.got ?? '')
    }),
  )
  t.pass()
})

const hostile = fc
  .array(
    fc.constantFrom(
      ...[
        ['a', 'B', '0', '/', '.', '..', ';', '\\', '%', '%2', '%2e', '%2E', '%2f', '%5c', '%00'],
        ['%61', '%252e', '%c3%a9', '%C3', '%c0%ae', '%40', '%20', '?', '#', ':', '@', '*', ' '],
        ['\u00E9', '\n', '-', '~', '%7e', '//', 'http://'],
      ].flat(),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))

test('an accepted path has one meaning: decoding and resolving it as a URL does not move it', (t) => {
  fc.assert(
    fc.property(hostile, (rest) => {
      const target = readRequestTarget(`/${rest}`)
      if (!target.ok) return
      t.is(target.path + target.query, `/${rest}`)
      t.is(new URL(target.path, 'http://upstream').pathname, target.path)
      const decoded = decodeURIComponent(target.path)
      t.is(decoded.split('/').length, target.path.split('/').length)
      t.notRegex(decoded, /[\\;%]|\p{Cc}|\/\/|\/\.{1,2}(?:\/|$)/u)
    }),
    { numRuns: 3000 },
  )
})

test('no text makes it throw', (t) => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 200 }), (text) => {
      readRequestTarget(text)
      readRequestTarget(`/${text}`)
    }),
  )
  t.pass()
})
