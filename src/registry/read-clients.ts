import type { Fault } from '../errors.ts'
import type { ReadyPlugin } from '../plugin-host/set-up.ts'
import { withTimeLimit } from '../plugin-host/time-limit.ts'
import { loadClients } from './load-clients.ts'
import type { ClientLoading, LoadedClients } from './load-clients.ts'

// A store may be far away and hold many; but a start that never ends tells nobody why.
const LOAD_LIMIT = 60_000

/**
 * Asks a client store for its definitions and checks them.
 * @param at where the configuration names the store
 */
export async function readClients(
  store: ReadyPlugin<'client-stores'>,
  at: string,
  loading: ClientLoading,
): Promise<LoadedClients> {
  try {
    const { definitions, faults } = await withTimeLimit(store.part.load(), LOAD_LIMIT)
    const loaded = loadClients(definitions, loading)
    const all = faults.map((fault): Fault => ({ ...fault, severity: 'error' }))
    return { clients: loaded.clients, faults: [...all, ...loaded.faults] }
  } catch (error) {
    const reason = error instanceof Error ? error.message : 'it threw'
    const message = `clients: ${store.id} cannot read them: ${reason}`
    return { clients: [], faults: [{ at, message, severity: 'error' }] }
  }
}
