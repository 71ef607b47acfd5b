import type { Client } from '#contract'

import { decoyClient } from '../client-authentication/decoy-client.ts'
import type { ApiResource } from './load-resources.ts'

/** An API resource as those who prove a caller see it: its name is the id, and it may nothing but prove itself. */
export function resourceAsClient(resource: ApiResource): Client {
  const { name, enabled, apiSecrets, basicDecoding } = resource
  return { ...decoyClient, clientId: name, enabled, clientSecrets: apiSecrets, basicDecoding }
}
