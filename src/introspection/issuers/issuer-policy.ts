import type { IssuerSettings } from '../../config/issuers-schema.ts'

/** What a token of another issuer counts for here. */
export interface IssuerPolicy {
  /** One of these has to be in the audience of its tokens; absent: any will do. */
  readonly audience: readonly string[] | undefined
  /** Its client ids → registered clients. */
  readonly clients: ReadonlyMap<string, string>
  /** Other clients of its are let in under their ids with this before; absent: they are not. */
  readonly clientPrefix: string | undefined
  /** Only these of its scopes count; absent: all. */
  readonly scopes: ReadonlySet<string> | undefined
}

export function issuerPolicy(settings: IssuerSettings): IssuerPolicy {
  const { audience, clients, clientPrefix, scopes } = settings
  return {
    audience,
    clients: new Map(Object.entries(clients)),
    clientPrefix,
    scopes: scopes && new Set(scopes),
  }
}
