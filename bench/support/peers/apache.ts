import { chmodSync, existsSync } from 'node:fs'

import { freePort } from '../stage.ts'
import type { Server, Stage } from '../stage.ts'
import type { Introspection } from './introspection.ts'

const PROGRAM = '/usr/sbin/apache2'
const MODULES = '/usr/lib/apache2/modules'

const LOADED =
  'mpm_event authn_core authz_core authz_user socache_shmcb ssl proxy proxy_http auth_openidc'

/** Starts Apache with mod_auth_openidc, which asks about a token once. @returns nothing where it is not installed */
export async function apache(
  stage: Stage,
  introspection: Introspection,
): Promise<Server | undefined> {
  if (!existsSync(PROGRAM) || !existsSync(`${MODULES}/mod_auth_openidc.so`)) {
    process.stderr.write('apache2 with mod_auth_openidc is not installed: its row is left out\n')
    return undefined
  }
  const { world, upstream } = stage
  const { folder } = world
  // When it is started by root it serves as somebody who must be able to read this.
  chmodSync(folder, 0o755)
  chmodSync(world.file('ca.crt'), 0o644)
  const port = await freePort()
  const file = world.file(
    'apache.conf',
    `
ServerRoot ${folder}
Listen 127.0.0.1:${port}
ServerName localhost
PidFile ${folder}/apache.pid
DefaultRuntimeDir ${folder}
ErrorLog ${folder}/apache.log
LogLevel error
${LOADED.split(' ')
  .map((name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`)
  .join('\n')}
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
StartServers 1
ServerLimit 1
ThreadsPerChild 64
MaxRequestWorkers 64
KeepAlive On
MaxKeepAliveRequests 0
KeepAliveTimeout 60
SSLEngine on
SSLCertificateFile ${folder}/tls.crt
SSLCertificateKeyFile ${folder}/tls.key
OIDCCryptoPassphrase a-passphrase-of-the-benchmark
OIDCOAuthIntrospectionEndpoint https://localhost:${introspection.tlsPort}/introspect
OIDCOAuthIntrospectionEndpointAuth client_secret_basic
OIDCCABundlePath ${folder}/ca.crt
OIDCOAuthClientID api
OIDCOAuthClientSecret secret
OIDCOAuthRemoteUserClaim client_id
OIDCOAuthTokenIntrospectionInterval 0
ProxyPass / http://127.0.0.1:${upstream}/
<Location />
  AuthType oauth20
  Require claim scope:read
</Location>
`,
  )
  const pid = stage.serve([PROGRAM, '-f', file, '-DFOREGROUND'])
  await stage.untilUp(port)
  return {
    name: 'Apache, mod_auth_openidc, cached answer',
    pid,
    url: (to) => `https://localhost:${port}${to}`,
  }
}
