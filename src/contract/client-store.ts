/** A client or resource as it stands in its source, not yet checked. */
export interface Definition {
  readonly value: unknown
  /** Where relative paths in it start. */
  readonly folder?: string
  /** Where something in it stands, for an error text: `clients.yaml:12:7`. */
  locate(path: readonly PropertyKey[]): string
}

/** What a store found wrong with its own source. */
export interface SourceFault {
  /** `file:line:column`, or what comes nearest to it. */
  readonly at: string
  readonly message: string
}

export interface Definitions {
  readonly definitions: readonly Definition[]
  readonly faults: readonly SourceFault[]
}

/** Where client definitions come from. Slot `client-stores`. */
export interface ClientStore {
  /** Reads all definitions. @throws when the source cannot be reached at all. */
  load(): Promise<Definitions>
  /** Files whose change means that `load` has something new to say. */
  readonly watches?: readonly string[]
}
