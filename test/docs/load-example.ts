import { createPrivateKey, createPublicKey } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'

import type { ExecutionContext } from 'ava'
import { load } from 'js-yaml'

import { builtInPlugins } from '../../src/commands/built-in-plugins.ts'
import type { Fault } from '../../src/errors.ts'
import { prepare } from '../../src/prepare.ts'
import { pki } from '../support/pki.ts'
import type { Pki } from '../support/pki.ts'
import { exampleOf, readPage } from './pages.ts'

type Value = Readonly<Record<string, unknown>>

/** A configuration in which any example fits: what it does not say is here. */
const BASE: Value = {
  issuer: 'https://localhost:8443',
  listen: { certificate: 'tls.crt', key: 'tls.key' },
  upstream: 'http://127.0.0.1:8080',
  clients: 'clients.yaml',
  resources: 'resources.yaml',
  plugins: ['plugins'],
}

// One file may hold both, as IdentityServer's section does.
const NOTHING = 'IdentityServer: { Clients: [], ApiResources: [] }'

export interface Example {
  /** Settings instead of those of the base, or beside them. */
  readonly settings?: string
  /** A clients file, and how it ends. */
  readonly clients?: string
  readonly clientsName?: string
  readonly resources?: string
}

/** Loads an example as `serve` would. @returns all that is wrong with it */
export async function loadExample(
  t: ExecutionContext,
  { settings = '', clients, clientsName = 'clients.yaml', resources }: Example,
): Promise<readonly Fault[]> {
  const own = (load(settings || '{}') ?? {}) as Value
  const base = clients === undefined ? BASE : { ...BASE, clients: clientsName }
  const whole = own['issuer'] === undefined ? { ...base, ...own } : own
  const folder = mkdtempSync(path.join(tmpdir(), 'vouchgate-docs-'))
  t.teardown(() => {
    rmSync(folder, { recursive: true })
  })
  const write = (name: string, text: string) => {
    const file = path.resolve(folder, name)
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
  const given: Readonly<Record<string, string>> = {
    [fileIn(whole, 'resources')]: resources ?? NOTHING,
    [fileIn(whole, 'clients')]: clients ?? NOTHING,
  }
  const authorities = await pki()
  for (const name of filesNamedIn(whole)) write(name, contentsOf(name, authorities))
  for (const name of filesNamedIn(load(clients ?? '{}'))) write(name, contentsOf(name, authorities))
  for (const [name, text] of Object.entries(given)) write(name, text)
  writePlugins(write)
  write('vouchgate.yaml', JSON.stringify(whole))
  const { faults } = await prepare({
    source: {
      file: path.join(folder, 'vouchgate.yaml'),
      env: Object.fromEntries(
        [...settings.matchAll(/env: (\w+)/g)].map(([, name = '']) => [name, 'x'.repeat(32)]),
      ),
      assignments: [],
    },
    builtIn: builtInPlugins,
    cwd: folder,
    log: { info: () => undefined, warn: () => undefined },
    now: new Date(),
  })
  return faults
}

function fileIn(settings: Value, name: string): string {
  const value = settings[name]
  return typeof value === 'string' ? value : 'unused.yaml'
}

/** The plugins of the page about plugins: other examples speak of them. */
function writePlugins(write: (name: string, text: string) => void): void {
  const page = readPage('docs/plugins.md')
  for (const name of ['plugins/parsers/api-key.ts', 'plugins/validators/api-key.ts']) {
    write(name, exampleOf(page, name))
  }
}

/** Whatever stands in a value and looks like a file that must be there. */
function filesNamedIn(value: unknown): readonly string[] {
  if (typeof value === 'string') return /^[\w./-]+\.(crt|key|jwks?)$/.test(value) ? [value] : []
  if (typeof value !== 'object' || value === null) return []
  return Object.values(value).flatMap(filesNamedIn)
}

function contentsOf(name: string, { server, client, rootCa }: Pki): string {
  if (path.basename(name) === 'ca.crt') return rootCa.cert
  if (path.basename(name) === 'tls.crt') return server.cert
  if (name.endsWith('.crt')) return client.cert
  if (name.endsWith('.key')) return server.key
  const key = createPublicKey(createPrivateKey(client.key))
  const jwk = key.export({ format: 'jwk' })
  return JSON.stringify(name.endsWith('.jwks') ? { keys: [{ ...jwk, kid: '1' }] } : jwk)
}
