import type { Client, Validator } from '#contract'

/** The registered clients, found in constant time. Immutable. */
export interface Registry {
  readonly size: number
  /** Byte-exact: another case or normal form is another client. */
  find(clientId: string): Client | undefined
  /** The only client that registered one of these keys; `ambiguous` when several did. */
  findByKeys(keys: readonly string[]): Client | 'ambiguous' | undefined
}

/** Indexes clients by id and by the look-up keys of their secrets. */
export function registryOf(
  clients: readonly Client[],
  validatorsOf: (secretType: string) => readonly Validator[],
): Registry {
  const byId = new Map(clients.map((client) => [client.clientId, client]))
  const byKey = new Map<string, Client | 'ambiguous'>()
  for (const client of clients) {
    for (const secret of client.clientSecrets) {
      const inspections = validatorsOf(secret.type).map((one) => one.inspect?.(secret))
      for (const key of inspections.flatMap((one) => one?.lookupKeys ?? [])) {
        const other = byKey.get(key)
        byKey.set(key, other === undefined || other === client ? client : 'ambiguous')
      }
    }
  }
  return {
    size: byId.size,
    find: (clientId) => byId.get(clientId),
    findByKeys(keys) {
      const found = new Set(keys.map((key) => byKey.get(key)).filter((one) => one !== undefined))
      if (found.size > 1) return 'ambiguous'
      return found.values().next().value
    },
  }
}
