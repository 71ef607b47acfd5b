import type { ClientStore, Definition, SourceFault } from './client-store.ts'
import type { IdentityHeaders } from './identity-headers.ts'
import type { Parser } from './parser.ts'
import type { AltNameType, PeerCertificate } from './peer-certificate.ts'
import type { StateStore } from './state-store.ts'
import type { Validator } from './validator.ts'

/** The part of Standard Schema (standardschema.dev) that the host needs; zod, valibot and arktype all have it. */
export interface OptionsSchema<Options> {
  readonly '~standard': {
    readonly version: 1
    readonly vendor: string
    validate(value: unknown): SchemaResult<Options> | Promise<SchemaResult<Options>>
    readonly types?: { readonly input: unknown; readonly output: Options } | undefined
  }
}

type SchemaResult<Options> =
  | { readonly value: Options; readonly issues?: undefined }
  | { readonly issues: readonly SchemaIssue[] }

interface SchemaIssue {
  readonly message: string
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined
}

/** A name read from a definition, or why it could not be read. */
export type NameReading =
  | { readonly ok: true; readonly key: string }
  | { readonly ok: false; readonly fault: string }

/** Reads names as they are registered. */
export interface Names {
  /**
   * Reads a name in .NET, RFC 4514, OpenSSL one-line or slash notation.
   * Two names are the same, in either whole order, exactly when their keys are equal.
   */
  read(text: string): NameReading
  /**
   * Reads a subject alternative name: a host name, a URI, an IP address, a mail address.
   * It names one thing: there are no wildcards, suffixes or patterns.
   */
  readAltName(type: AltNameType, text: string): NameReading
}

/** Reads certificates that came in a message. */
export interface Certificates {
  /**
   * `der` is one certificate, `chain` what came along with it (`CertificateTrust.verify` looks for a path there).
   * That somebody holds the key of the certificate is for the caller to know.
   * @returns undefined: it is not the DER of one certificate
   */
  read(der: Uint8Array, chain?: readonly Uint8Array[]): PeerCertificate | undefined
}

/** Signs statements about a caller with a key that our JWKS shows. */
export interface Signer {
  /**
   * Makes a JWT at once, not as a promise: with ES256 in some 20 µs, with RS256 and PS256 in ten
   * times that. `iss` is added to the claims.
   * @param type the `typ` of its header, other than that of any token of ours
   * @throws while plugins are set up: there is no key yet
   */
  sign(type: string, claims: Readonly<Record<string, unknown>>): string
}

export interface PluginLog {
  info(message: string): void
  warn(message: string): void
}

/** What a plugin may use of ours while it is set up and afterwards. */
export interface PluginHost {
  readonly log: PluginLog
  readonly names: Names
  readonly certificates: Certificates
  readonly signer: Signer
  /**
   * Text of any characters → a header value of visible ASCII, never the same for two texts: `%`, all that is not
   * printable ASCII, and a blank at either end are percent-encoded as UTF-8.
   */
  asHeaderValue(text: string): string
  /** The sets of anchors that a secret may name, `default` among them. */
  readonly anchorSets: readonly string[]
  /** The rules of which product apply where the RFCs and it differ. */
  readonly compatibility: 'none' | 'identityserver4'
  /** Makes a path of the plugin's options absolute: relative ones start at the configuration file. */
  resolve(path: string): string
  /** Reads a YAML or JSON file so that what is wrong in it can be located. */
  readFile(path: string): Definition | SourceFault
}

/** A plugin file's default export. Its folder is its slot, its path is its name. */
export interface Plugin<Part, Options = undefined> {
  readonly contract: 1
  /** Checks and completes the options; absent: the plugin takes none. */
  readonly options?: OptionsSchema<Options>
  setup(options: Options, host: PluginHost): Part | Promise<Part>
}

export type ParserPlugin<Options = undefined> = Plugin<Parser, Options>
export type ValidatorPlugin<Options = undefined> = Plugin<Validator, Options>
export type ClientStorePlugin<Options = undefined> = Plugin<ClientStore, Options>
export type StateStorePlugin<Options = undefined> = Plugin<StateStore, Options>
export type IdentityHeadersPlugin<Options = undefined> = Plugin<IdentityHeaders, Options>

/** Folder name → what a plugin in it must return. */
export interface Slots {
  parsers: Parser
  validators: Validator
  'client-stores': ClientStore
  'state-stores': StateStore
  'identity-headers': IdentityHeaders
}

export type Slot = keyof Slots
