import { createSecureContext } from 'node:tls'

import type { Client } from '#contract'

import type { IssuerSettings } from '../../config/issuers-schema.ts'
import type { Fault } from '../../errors.ts'
import { proveOurselves } from './prove-ourselves.ts'

/** What would keep issuers from being opened, and what will keep their clients out. @param own our issuer */
export function checkIssuers(
  issuers: readonly IssuerSettings[],
  own: string,
  clients: readonly Client[],
  locate: (path: readonly PropertyKey[]) => string,
): readonly Fault[] {
  if (issuers.length === 0) return []
  const registered = new Set(clients.map(({ clientId }) => clientId))
  return issuers.flatMap((settings, index) => {
    const fault = (path: readonly string[], what: string, severity: Fault['severity']): Fault => {
      const full = ['issuers', index, ...path]
      return { at: locate(full), message: `${full.join('.')}: ${what}`, severity }
    }
    const unknown = Object.entries(settings.clients).filter(([, local]) => !registered.has(local))
    return [
      ...(settings.issuer === own ? [fault(['issuer'], 'is our own', 'error')] : []),
      ...keyFaults(settings).map(({ path, message }) => fault(path, message, 'error')),
      ...unknown.map(([remote, local]) =>
        fault(['clients', remote], `there is no client ${local}, so it lets nobody in`, 'note'),
      ),
    ]
  })
}

function keyFaults({ issuer, ca, introspection }: IssuerSettings) {
  const { method, certificate, key } = introspection ?? {}
  const trials = [
    { path: ['ca'], run: () => ca !== undefined && createSecureContext({ ca }) },
    {
      path: ['introspection', 'key'],
      run: () => introspection && proveOurselves(issuer, introspection),
    },
    {
      path: ['introspection', 'certificate'],
      run: () => method === 'tls_client_auth' && createSecureContext({ cert: certificate, key }),
    },
  ]
  return trials.flatMap(({ path, run }) => {
    try {
      run()
      return []
    } catch (error) {
      const why = error instanceof Error ? error.message.slice(0, 100) : 'unknown'
      return [{ path, message: `cannot be used: ${why}` }]
    }
  })
}
