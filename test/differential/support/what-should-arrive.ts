/**
 * What of a client's header lines the API is to see, written down a second time and from the documentation: names in
 * lower case and values, in order.
 */
export function whatShouldArrive(rawHeaders: readonly string[]): readonly string[] {
  const lines = rawHeaders.flatMap((name, i) =>
    i % 2 === 0 ? [[name.toLowerCase(), rawHeaders[i + 1] ?? ''] as const] : [],
  )
  const named = new Set(
    lines
      .filter(([name]) => name === 'connection')
      .flatMap(([, value]) => value.split(',').map((one) => one.trim().toLowerCase())),
  )
  return lines
    .filter(([name]) => !isOurs(fold(name)) && !named.has(name))
    .map(([name, value]) => `${name}: ${value}`)
}

/** Whether a header is on the way only, or said by us alone. */
export function isOurs(folded: string): boolean {
  return NAMES.has(folded) || PREFIXES.some((prefix) => folded.startsWith(prefix))
}

export function fold(name: string): string {
  return name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-')
}

const NAMES = new Set(
  [
    // of the connection
    ['connection', 'keep-alive', 'proxy-authenticate', 'proxy-authorization', 'proxy-connection'],
    [
      'te',
      'trailer',
      'transfer-encoding',
      'upgrade',
      'http2-settings',
      'content-length',
      'host',
      'expect',
    ],
    // of the proof
    ['authorization', 'dpop'],
    // of the way
    [
      'forwarded',
      'x-forwarded',
      'x-real-ip',
      'x-client-ip',
      'x-cluster-client-ip',
      'true-client-ip',
    ],
    ['x-original-url', 'x-original-uri', 'x-original-method', 'x-original-host'],
    ['x-rewrite-url', 'x-rewrite-uri', 'x-host', 'x-original-forwarded-for'],
    ['x-http-method-override', 'x-http-method', 'x-method-override'],
    ['x-envoy-original-path', 'x-envoy-external-address', 'proxy', 'remote-user'],
    // of the caller
    ['x-client-id', 'x-client-name', 'x-client-scopes', 'x-client-auth-method'],
    ['x-client-certificate-thumbprint', 'x-request-id', 'x-vouchgate-assertion'],
    ['client-cert', 'client-cert-chain', 'gap-auth'],
    ['x-remote-user', 'x-remote-uid', 'x-remote-group', 'x-remote-groups'],
    ['x-consumer-id', 'x-consumer-username', 'x-consumer-custom-id', 'x-consumer-groups'],
    ['x-credential-identifier', 'x-credential-username', 'x-anonymous-consumer'],
    ['x-authenticated-scope', 'x-authenticated-userid', 'x-authenticated-groups'],
  ].flat(),
)

const PREFIXES = ['x-forwarded-', 'x-remote-extra-', 'x-auth-request-']
