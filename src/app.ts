import type { Refusal } from '#contract'
import Router from '@koa/router'
import Koa from 'koa'
import type { Context } from 'koa'

import { authRequestOf } from './client-authentication/auth-request-of.ts'
import { OAuthError, UnavailableError } from './errors.ts'
import { callerAddress } from './gateway/caller-address.ts'
import { forwardedHeaders } from './gateway/forwarded-headers.ts'
import type { ClientRequest, ClientResponse, NodeResponse } from './http/client-message.ts'
import type { EndpointRequest, Report } from './http/endpoint-request.ts'
import { isHttp2 } from './http/client-message.ts'
import { finishConnection } from './http/finished-connections.ts'
import { renderOAuthError } from './http/render-oauth-error.ts'
import { repeatedHeader } from './http/repeated-header.ts'
import { introspectionRoute } from './introspection/introspection.route.ts'
import type { RecentRevocations } from './introspection/recent-revocations.ts'
import type { Log } from './operations/log.ts'
import type { Metrics } from './operations/metrics.ts'
import { refusalLine } from './operations/refusal-line.ts'
import type { Snapshot } from './snapshot.ts'
import { revocationRoute } from './tokens/revocation.route.ts'
import { tokenRoute } from './tokens/token.route.ts'

export interface AppServices {
  readonly log: Log
  readonly metrics: Metrics
  readonly revoked: RecentRevocations
}

/** The endpoints of our own. */
export interface App {
  /** Whether a path is one of them. */
  owns(path: string): boolean
  handle(request: ClientRequest, response: ClientResponse, requestId: string): void
}

/** The Koa application of one snapshot: middleware and routes in order, each with the reason for its place. */
export function createApp(snapshot: Snapshot, services: AppServices): App {
  const koa = new Koa({ proxy: false })
  // Koa's own answer to an error would lose our headers and say what Node says.
  koa.silent = true

  const { path } = snapshot.endpoints
  const router = new Router({ strict: true, sensitive: true })
  const endpoint = (handler: (context: Context, request: EndpointRequest) => Promise<void>) => {
    return (context: Context) => handler(context, context.state['request'] as EndpointRequest)
  }
  router.all([path.token, path.mtlsToken], endpoint(tokenRoute))
  router.all([path.introspection, path.mtlsIntrospection], endpoint(introspectionRoute))
  router.all([path.revocation, path.mtlsRevocation], endpoint(revocationRoute))
  router.get([path.openidConfiguration, path.authorizationServer], (context) => {
    context.set('cache-control', 'public, max-age=300')
    context.body = snapshot.discovery
  })
  router.get(path.jwks, (context) => {
    context.set('cache-control', 'public, max-age=300')
    context.body = { keys: [...snapshot.keyRing.keys.values()].map((key) => key.publicJwk) }
  })

  // Outermost: whatever happens below leaves as an OAuth error and a log line.
  koa.use(async (context, next) => {
    const requestId = requestIds.get(context.req) ?? ''
    context.set('x-request-id', requestId)
    const request = endpointRequest(context, requestId, snapshot, services)
    context.state['request'] = request
    try {
      await next()
      // Those that take a form take every method, to say themselves what is wrong with it.
      if (context.status === 404) throw new OAuthError('method_not_allowed', NOT_GET)
    } catch (error) {
      renderError(context, error, request, services)
    }
  })
  // Before anything reads a header: which of two copies counts must not be a guess.
  koa.use(async (context, next) => {
    const malformed = malformedHead(context.req, snapshot)
    if (malformed === undefined) return next()
    finishConnection(context.req)
    closeAfter(context)
    throw new OAuthError('invalid_request', malformed)
  })
  koa.use(router.routes())

  const paths = new Set<string>(Object.values(path))
  const callback = koa.callback()
  return {
    owns: (candidate) => paths.has(candidate),
    handle(request, response, requestId) {
      requestIds.set(request, requestId)
      void callback(request, response as NodeResponse)
    },
  }
}

const requestIds = new WeakMap<ClientRequest, string>()

/** What could be understood in two ways, by us or by a proxy before us, here as on the way to the API. */
function malformedHead(request: ClientRequest, { headerRules }: Snapshot): Refusal | undefined {
  const { rawHeaders, httpVersion } = request
  const repeated = repeatedHeader(rawHeaders)
  if (repeated !== undefined) return { reason: 'repeated-header', got: repeated }
  const { remoteAddress } = request.socket
  const arrival = { remoteAddress, scheme: 'https', httpVersion } as const
  const head = forwardedHeaders(rawHeaders, headerRules, arrival)
  return head.ok ? undefined : head
}

function endpointRequest(
  context: Context,
  requestId: string,
  snapshot: Snapshot,
  services: AppServices,
): EndpointRequest {
  const report: Report = {}
  const { req } = context
  return {
    ...services,
    snapshot,
    requestId,
    report,
    authRequest(purpose, form) {
      const address = callerAddress(req, snapshot.headerRules)
      const { method, path } = context
      const facts = { purpose, method, path, form, callerAddress: address }
      const reading = authRequestOf(req, facts, snapshot.proxyReaders)
      if (!reading.ok) throw new OAuthError(reading.code, reading.refusal)
      return reading.request
    },
  }
}

function renderError(
  context: Context,
  error: unknown,
  { snapshot, requestId, report }: EndpointRequest,
  { log, metrics }: AppServices,
): void {
  const known = asOAuthError(error)
  if (!known) log.error({ requestId, err: error }, 'request.failed')
  const { code, refusal } = known ?? UNEXPECTED
  const rendered = renderOAuthError(code, snapshot.compatibility, snapshot.challenges)
  const { authentication } = report
  metrics.refused(code, refusal.reason)
  log.warn(
    refusalLine({
      requestId,
      remoteAddress: callerAddress(context.req, snapshot.headerRules),
      method: context.method,
      path: context.path,
      status: rendered.status,
      error: code,
      refusal,
      ...(authentication?.ok === true && { clientId: authentication.client.clientId }),
      ...(authentication?.ok === false && { authentication }),
    }),
    'request.refused',
  )
  context.status = rendered.status
  context.set(rendered.headers as Record<string, string | string[]>)
  if (refusal === NOT_GET) context.set('allow', NOT_GET.want)
  context.body = rendered.body
  // The rest of a body that was not read must not be taken for the next request.
  if (!context.req.complete) closeAfter(context)
}

/** Over HTTP/2 a body that nobody reads ends with its stream. */
function closeAfter(context: Context): void {
  if (!isHttp2(context.req)) context.set('connection', 'close')
}

const NOT_GET = { reason: 'no-endpoint', want: 'GET, HEAD' } as const
const UNEXPECTED = { code: 'server_error', refusal: { reason: 'internal-error' } } as const

/** What there is an answer for. */
function asOAuthError(error: unknown): OAuthError | undefined {
  if (error instanceof UnavailableError) {
    const refusal = { reason: error.reason, got: error.message }
    return new OAuthError('temporarily_unavailable', refusal)
  }
  return error instanceof OAuthError ? error : undefined
}
