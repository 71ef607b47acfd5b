import type { Received, SendOptions } from './send.ts'
import { basic } from './send.ts'
import type { LogLine, Running } from './start-sidecar.ts'
import { tokenRequest } from './token-request.ts'

export const INTROSPECTION = '/connect/introspect'
export const REVOCATION = '/connect/revocation'

/** Who asks: an id and a secret, for a Basic header. */
export type Asker = readonly [id: string, secret: string]

/** A request about a token, to the introspection or the revocation endpoint. */
export function aboutToken(
  path: string,
  token: string,
  [id, secret]: Asker,
  { form, headers, ...more }: SendOptions = {},
): SendOptions {
  return {
    path,
    form: { token, ...form },
    headers: { authorization: basic(id, secret), ...headers },
    ...more,
  }
}

/** A token for a client that has a secret. */
export async function tokenFor(
  running: Running,
  [clientId, secret]: Asker,
  form: Readonly<Record<string, string>> = {},
): Promise<string> {
  const credential = { client_id: clientId, client_secret: secret }
  const answer = await running.send(tokenRequest({ form: { ...credential, ...form } }))
  const { access_token: token } = answer.json<{ access_token?: string }>()
  if (token === undefined) throw new Error(`no token: ${answer.text}`)
  return token
}

/** Calls the API with a token. */
export function callApi(running: Running, token: string): Promise<Received> {
  return running.send({ path: '/orders/1', headers: { authorization: `Bearer ${token}` } })
}

/** The line of an event in the log, of the request that got this answer. */
export function lineOf(running: Running, event: string, answer: Received): LogLine | undefined {
  const id = answer.headers['x-request-id']
  return running.log.find((line) => line.event === event && line['requestId'] === id)
}
