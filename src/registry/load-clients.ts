import type { Client, Definition } from '#contract'

import type { References } from '../config/fields.ts'
import type { Fault } from '../errors.ts'
import { clientSchema } from './client-schema.ts'
import type { ClientDefaults } from './client-schema.ts'
import { fewOfEach } from './few-of-each.ts'
import { camelCased, withoutForeign } from './identityserver-names.ts'
import type { SecretLoading } from './inspect-secret.ts'
import { readWithSecrets } from './read-with-secrets.ts'

export interface ClientLoading extends SecretLoading, Omit<References, 'folder'> {
  readonly defaults: ClientDefaults
}

export interface LoadedClients {
  readonly clients: readonly Client[]
  readonly faults: readonly Fault[]
}

// A hundred thousand clients that came from elsewhere have one and the same peculiarity.
const NOTES_OF_A_KIND = 10

/** Checks client definitions; a bad secret is left out of its client, a bad client is an error. */
export function loadClients(
  definitions: readonly Definition[],
  loading: ClientLoading,
): LoadedClients {
  const faults: Fault[] = []
  const clients = new Map<string, { readonly client: Client; readonly definition: Definition }>()
  const schemaOf = schemas(loading)
  const notes = fewOfEach(NOTES_OF_A_KIND)
  const secretLoading = { ...loading, admitsNote: notes.admits }
  for (const definition of definitions) {
    const { value: client, faults: found } = readWithSecrets(
      withoutForeign('client', camelCased(definition.value)),
      (path) => definition.locate(path),
      { schema: schemaOf(definition.folder ?? '.'), secretsIn: 'clientSecrets', name: clientName },
      secretLoading,
    )
    faults.push(...found)
    if (!client) continue
    const twin = clients.get(client.clientId)
    if (twin) {
      const first = twin.definition.locate(['clientId'])
      const message = `client "${client.clientId}" is defined already at ${first}`
      faults.push({ at: definition.locate(['clientId']), message, severity: 'error' })
      continue
    }
    clients.set(client.clientId, { client, definition })
  }
  for (const { text, count } of notes.heldBack()) {
    const message = `the same of ${count} more secrets: ${text}`
    faults.push({ at: 'clients', message, severity: 'note' })
  }
  return { clients: [...clients.values()].map(({ client }) => client), faults }
}

type Schema = ReturnType<typeof clientSchema>

/** One schema a folder: references start there. */
function schemas(loading: ClientLoading): (folder: string) => Schema {
  const made = new Map<string, Schema>()
  return (folder) => {
    const schema = made.get(folder) ?? clientSchema({ folder, ...loading }, loading.defaults)
    made.set(folder, schema)
    return schema
  }
}

function clientName(value: unknown): string {
  const id = (value as { clientId?: unknown } | null)?.clientId
  return typeof id === 'string' ? `client "${id}"` : 'client'
}
