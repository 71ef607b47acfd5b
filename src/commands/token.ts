import { readFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'

import type { Command, CommandIo } from './command.ts'
import { EXIT } from './command.ts'
import { readSecret } from './read-secret.ts'
import { httpsText, METHODS } from './token-request.ts'
import type { HttpAnswer, TlsFiles } from './token-request.ts'

/** A client for newcomers: asks a token endpoint for a token, by any method. */
export const token: Command = {
  name: 'token',
  summary: 'ask a token endpoint for an access token',
  usage: `Usage: vouchgate token ISSUER --client ID --method METHOD [options]

Finds the token endpoint in the discovery document of the issuer, proves the client,
and prints the answer.

      --client ID        the client id
      --method METHOD    ${Object.keys(METHODS).join(',\n                         ')}
      --secret-env NAME  the environment variable with the secret; else the secret is
                         read from a prompt or standard input
      --assertion-key F  private_key_jwt: the private key, PEM or JWK
      --alg ALG          private_key_jwt: the algorithm, when the key leaves a choice
      --audience AUD     private_key_jwt: the "aud" of the assertion; the issuer by default
      --cert F --key F   the TLS client certificate and its key, PEM
      --ca F             the authority of the server's certificate, PEM
      --scope SCOPES     space separated; all that are allowed by default
      --endpoint URL     the token endpoint, without discovery
      --only-token       print the access token and nothing else
  -h, --help             this text

Exit code: 0 there is a token, 1 it was refused or nobody answered, 2 bad usage.
`,
  async run(args, io) {
    const { values, positionals } = parseArgs({
      args: [...args],
      options: {
        client: { type: 'string' },
        method: { type: 'string' },
        'secret-env': { type: 'string' },
        'assertion-key': { type: 'string' },
        alg: { type: 'string' },
        audience: { type: 'string' },
        cert: { type: 'string' },
        key: { type: 'string' },
        ca: { type: 'string' },
        scope: { type: 'string' },
        endpoint: { type: 'string' },
        'only-token': { type: 'boolean' },
      },
      allowPositionals: true,
      strict: true,
    })
    const usage = (message: string) => {
      io.stderr.write(`vouchgate token: ${message}; see "vouchgate token --help"\n`)
      return EXIT.usage
    }
    const [issuer, ...others] = positionals
    const { client, method = 'client_secret_basic' } = values
    if (issuer === undefined || others.length > 0) return usage('name one issuer, as https://host')
    if (!URL.parse(issuer)?.protocol.startsWith('https')) return usage(`${issuer} is no https URL`)
    if (client === undefined) return usage('--client is missing')
    const prove = Object.hasOwn(METHODS, method) ? METHODS[method] : undefined
    if (!prove) return usage(`there is no method "${method}"`)
    const needsKey = method === 'private_key_jwt'
    if (needsKey && values['assertion-key'] === undefined)
      return usage('--assertion-key is missing')
    const needsCertificate = method.includes('tls')
    if (needsCertificate && !(values.cert && values.key))
      return usage('--cert and --key are missing')

    try {
      const tls = filesOf(values, io)
      const endpoint = values.endpoint ?? (await discover(issuer, tls))
      const secret = method.startsWith('client_secret')
        ? await secretOf(values['secret-env'], io)
        : undefined
      const proof = await prove({
        method,
        clientId: client,
        audience: values.audience ?? issuer.replace(/\/$/, ''),
        algorithm: values.alg,
        now: io.now(),
        ...(secret !== undefined && { secret }),
        ...(needsKey && { assertionKey: read(values['assertion-key'] ?? '', io) }),
      })
      const form = new URLSearchParams({ grant_type: 'client_credentials', ...proof.form })
      if (values.scope !== undefined) form.set('scope', values.scope)
      const answer = await httpsText(endpoint, tls, { form, headers: proof.headers })
      return print(answer, values['only-token'] === true, io)
    } catch (error) {
      io.stderr.write(`vouchgate token: ${explain(error)}\n`)
      return EXIT.failure
    }
  },
}

function filesOf(
  {
    ca,
    cert,
    key,
  }: { ca?: string | undefined; cert?: string | undefined; key?: string | undefined },
  io: CommandIo,
): TlsFiles {
  return {
    ...(ca !== undefined && { ca: read(ca, io) }),
    ...(cert !== undefined && { cert: read(cert, io) }),
    ...(key !== undefined && { key: read(key, io) }),
  }
}

function read(file: string, { cwd }: CommandIo): string {
  return readFileSync(path.resolve(cwd, file), 'utf8')
}

async function secretOf(variable: string | undefined, io: CommandIo): Promise<string> {
  if (variable === undefined) return readSecret('Client secret: ', io)
  const value = io.env[variable]
  if (value === undefined) throw new Error(`the environment variable ${variable} is not set`)
  return value
}

async function discover(issuer: string, tls: TlsFiles): Promise<string> {
  const url = `${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`
  const { status, body } = await httpsText(url, tls)
  if (status !== 200) throw new Error(`${url} answers ${status}; name the --endpoint`)
  const found = (JSON.parse(body) as { token_endpoint?: unknown }).token_endpoint
  if (typeof found !== 'string') throw new Error(`${url} names no token_endpoint`)
  return found
}

function print({ status, body, requestId }: HttpAnswer, onlyToken: boolean, io: CommandIo): number {
  if (status !== 200) {
    const id = requestId === undefined ? '' : `; the log of the server says why under ${requestId}`
    io.stderr.write(`vouchgate token: refused with ${status}: ${body}${id}\n`)
    return EXIT.failure
  }
  const answer = JSON.parse(body) as { access_token?: unknown }
  io.stdout.write(`${onlyToken ? String(answer.access_token) : JSON.stringify(answer, null, 2)}\n`)
  return EXIT.ok
}

const HINTS: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'nobody listens there; is the sidecar running?',
  ENOENT: 'there is no such file',
  UNABLE_TO_VERIFY_LEAF_SIGNATURE:
    'the certificate of the server is not trusted; name its authority with --ca',
  SELF_SIGNED_CERT_IN_CHAIN:
    'the certificate of the server is not trusted; name its authority with --ca',
  DEPTH_ZERO_SELF_SIGNED_CERT:
    'the certificate of the server is not trusted; name its authority with --ca',
}

function explain(error: unknown): string {
  if (!(error instanceof Error)) return 'failed'
  const hint = HINTS[String(Reflect.get(error, 'code'))]
  return hint === undefined ? error.message : `${error.message}; ${hint}`
}
