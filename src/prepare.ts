import path from 'node:path'

import type { Client, PluginHost } from '#contract'

import { loadListenerCertificate } from './certificates/load-listener-certificate.ts'
import type { ListenerCertificate } from './certificates/load-listener-certificate.ts'
import { names } from './certificates/names.ts'
import { certificates } from './certificates/peer-of-message.ts'
import { loadTrust, namesOfSets } from './certificates/trust/load-trust.ts'
import type { PreparedSet } from './certificates/trust/load-trust.ts'
import { readSettings } from './config/read-settings.ts'
import type { SettingsReading, SettingsSource } from './config/read-settings.ts'
import type { Settings } from './config/settings-schema.ts'
import { shownPath } from './config/shown-path.ts'
import { readYaml } from './config/yaml-source.ts'
import type { Fault } from './errors.ts'
import { chooseIdentityHeaders } from './gateway/choose-identity-headers.ts'
import { routeFaults } from './gateway/route-faults.ts'
import { upstreamFaults } from './gateway/upstreams/upstream-faults.ts'
import { checkIssuers } from './introspection/issuers/check-issuers.ts'
import { asHeaderValue } from './plugin-host/as-header-value.ts'
import { loadPlugins } from './plugin-host/load-plugins.ts'
import type { Plugins, UsedPlugin } from './plugin-host/load-plugins.ts'
import type { ReadyPlugin } from './plugin-host/set-up.ts'
import { readClients } from './registry/read-clients.ts'
import { loadResources } from './registry/load-resources.ts'
import type { ApiResource, ResourceLoading } from './registry/load-resources.ts'
import { jwtSigner } from './tokens/jwt-signer.ts'
import type { JwtSigner } from './tokens/jwt-signer.ts'
import { loadSigningKeys } from './tokens/load-signing-keys.ts'
import type { SigningKey } from './tokens/signing-key.ts'

/** Everything that the configuration names, loaded and checked, and nothing opened yet. */
export interface Prepared {
  readonly settings: Settings
  readonly plugins: Plugins
  readonly clients: readonly Client[]
  readonly resources: readonly ApiResource[]
  readonly listenerCertificate: ListenerCertificate
  readonly trust: readonly PreparedSet[]
  readonly identityHeaders: readonly ReadyPlugin<'identity-headers'>[]
  /** From files; empty: the state store has them. */
  readonly signingKeys: readonly SigningKey[]
  readonly state: UsedPlugin<'state-stores'>
  readonly host: PluginHost
  /** The host's; it waits for its keys. */
  readonly signer: JwtSigner
  /** Files and folders whose change asks for a reload. */
  readonly watched: readonly string[]
  /** When the first of them was read. */
  readonly begun: Date
}

export interface Preparation {
  /** Absent when a fault is an error. */
  readonly prepared?: Prepared
  readonly faults: readonly Fault[]
}

export interface PrepareOptions {
  readonly source: SettingsSource
  /** The folder of the plugins that come with us. */
  readonly builtIn: string
  /** Paths in error texts are shown relative to this folder. */
  readonly cwd: string
  readonly log: PluginHost['log']
  readonly now: Date
}

/** Configuration → all its parts, or all that is wrong with it. `serve` and `check` both do just this. */
export async function prepare(options: PrepareOptions): Promise<Preparation> {
  const { cwd, now } = options
  const referenced = new Set<string>()
  const source = { ...options.source, onFile: (file: string) => referenced.add(file) }
  const shown = (file: string) => shownPath(file, cwd)
  const reading = readSettings(source, shown(source.file))
  const { settings, locate } = reading
  if (!settings) return { faults: reading.faults }

  const faults: Fault[] = [...reading.faults]
  const collect = <T extends { readonly faults: readonly Fault[] }>(outcome: T): T => {
    for (const fault of outcome.faults) {
      faults.push(path.isAbsolute(fault.at) ? { ...fault, at: shown(fault.at) } : fault)
    }
    return outcome
  }
  const signer = jwtSigner(settings.issuer)
  const host = pluginHost(settings, reading, options, shown, signer)
  const folders = [options.builtIn, ...settings.plugins.folders]
  const { plugins } = collect(await loadPlugins({ ...settings.plugins, folders }, host, locate))
  const clientStore = await plugins.use(usedClientStore(settings, locate))
  const loading = registryLoading(plugins, source, now)
  const defaults = { accessTokenLifetime: Math.ceil(settings.tokens.lifetime / 1000) }
  const { clients } = collect(
    'message' in clientStore
      ? { clients: [], faults: [clientStore] }
      : await readClients(clientStore, locate(['clients']), { ...loading, defaults }),
  )
  const { resources } = collect(loadResources(settings.resources, shown, loading))
  const { loaded: listenerCertificate } = collect(
    loadListenerCertificate(
      { file: settings.listen.certificate, at: locate(['listen', 'certificate']) },
      { file: settings.listen.key, at: locate(['listen', 'key']) },
      now,
    ),
  )
  const trust = collect(await loadTrust(settings.trust, locate, now))
  faults.push(...routeFaults(settings, plugins, locate))
  faults.push(...upstreamFaults(settings, locate, now))
  const { keys: signingKeys } = collect(
    await loadSigningKeys(
      (settings.tokens.keys ?? []).map((file, index) => ({
        file,
        at: locate(['tokens', 'keys', index]),
      })),
      settings.tokens.algorithm === 'PS256' ? 'PS256' : 'RS256',
    ),
  )
  faults.push(...retentionFaults(settings, clients, locate))
  faults.push(...checkIssuers(settings.issuers, settings.issuer, clients, locate))
  const identityHeaders = collect(chooseIdentityHeaders(plugins, settings, locate)).chosen
  const { use, ...stateOptions } = settings.state
  const state: UsedPlugin<'state-stores'> = {
    slot: 'state-stores',
    name: use,
    options: stateOptions,
    locate: (inner) => locate(['state', ...inner]),
  }
  const stateFault = await plugins.check(state)
  if (stateFault) faults.push(stateFault)

  if (!listenerCertificate || faults.some(({ severity }) => severity === 'error')) return { faults }
  const watched = [
    source.file,
    settings.listen.certificate,
    settings.listen.key,
    ...trust.files,
    ...settings.plugins.folders,
    ...(settings.tokens.keys ?? []),
    ...(settings.resources === undefined ? [] : [settings.resources]),
    ...('message' in clientStore ? [] : (clientStore.part.watches ?? [])),
    ...referenced,
  ]
  const prepared = {
    settings,
    plugins,
    clients,
    resources,
    listenerCertificate,
    trust: trust.sets,
    identityHeaders,
    signingKeys,
    state,
    host,
    signer,
    watched,
    begun: now,
  }
  return { prepared, faults }
}

function pluginHost(
  settings: Settings,
  reading: SettingsReading,
  { log, cwd }: PrepareOptions,
  shown: (file: string) => string,
  signer: JwtSigner,
): PluginHost {
  const folder = reading.source?.folder ?? cwd
  return {
    log,
    names,
    certificates,
    signer,
    asHeaderValue,
    anchorSets: namesOfSets(settings.trust),
    compatibility: settings.compatibility,
    resolve: (file) => path.resolve(folder, file),
    readFile: (file) => readYaml(file, shown(file)),
  }
}

function usedClientStore(
  settings: Settings,
  locate: SettingsReading['locate'],
): UsedPlugin<'client-stores'> {
  const { use, ...options } =
    typeof settings.clients === 'string'
      ? { use: 'files', path: settings.clients }
      : settings.clients
  const within = (inner: readonly PropertyKey[]) => locate(['clients', ...inner])
  return { slot: 'client-stores', name: use, options, locate: within }
}

/** What checking the definitions of clients and resources takes. */
function registryLoading(
  plugins: Plugins,
  { env, onFile }: SettingsSource,
  now: Date,
): ResourceLoading {
  const validators = plugins.of('validators').map(({ part }) => part)
  return {
    env,
    onFile,
    now,
    validatorsOf: (type) => validators.filter((one) => one.secretTypes.includes(type)),
    secretTypes: [...new Set(validators.flatMap((one) => one.secretTypes))],
  }
}

/** A key must outlive the tokens that it signed. */
function retentionFaults(
  settings: Settings,
  clients: readonly Client[],
  locate: SettingsReading['locate'],
): readonly Fault[] {
  const { keys, rotation } = settings.tokens
  const longest = clients.toSorted((a, b) => b.accessTokenLifetime - a.accessTokenLifetime)[0]
  if (keys || !longest || longest.accessTokenLifetime * 1000 <= rotation.retention) return []
  const message = `tokens.rotation.retention: is shorter than the tokens of client "${longest.clientId}" live (${longest.accessTokenLifetime} s)`
  return [{ at: locate(['tokens', 'rotation', 'retention']), message, severity: 'error' }]
}
