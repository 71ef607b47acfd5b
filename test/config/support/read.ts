import path from 'node:path'

import type { ExecutionContext } from 'ava'

import { readSettings } from '../../../src/config/read-settings.ts'
import type { SettingsReading, SettingsSource } from '../../../src/config/read-settings.ts'
import { temporaryFolder } from '../../support/temporary-folder.ts'

/** The least that a configuration must say. */
export const LEAST = {
  issuer: 'https://auth.example',
  listen: { certificate: 'tls.crt', key: 'tls.key' },
  upstream: 'http://127.0.0.1:8080',
  clients: 'clients.yaml',
}

/** Reads a configuration of this text; `v.yaml` in locations. */
export function read(
  t: ExecutionContext,
  text: string,
  more: Partial<SettingsSource> & { readonly name?: string } = {},
): SettingsReading & { readonly lines: readonly string[]; readonly folder: string } {
  const { name = 'v.yaml', ...source } = more
  const folder = temporaryFolder(t, { [name]: text })
  const file = path.join(folder, name)
  const reading = readSettings({ file, env: {}, assignments: [], ...source }, name)
  const lines = reading.faults.map(({ at, message }) => `${at}: ${message}`)
  return { ...reading, lines, folder }
}

/** As `read`, of the least configuration and these settings in it. */
export function readWith(
  t: ExecutionContext,
  settings: Readonly<Record<string, unknown>>,
  more: Partial<SettingsSource> = {},
): ReturnType<typeof read> {
  const merged = Object.entries(settings).map(([name, value]) => {
    const before = LEAST[name as keyof typeof LEAST]
    return [name, isRecord(before) && isRecord(value) ? { ...before, ...value } : value]
  })
  return read(t, JSON.stringify({ ...LEAST, ...Object.fromEntries(merged) }), more)
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
