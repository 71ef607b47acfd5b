import path from 'node:path'
import { fileURLToPath } from 'node:url'

import type { ExecutionContext } from 'ava'

import { prepare } from '../../src/prepare.ts'
import type { Preparation } from '../../src/prepare.ts'
import { pki } from './pki.ts'
import { writeConfiguration } from './start-sidecar.ts'
import type { StartOptions } from './start-sidecar.ts'

export interface PreparedConfiguration extends Preparation {
  readonly folder: string
  /** The faults as `check` prints them, with their severity before. */
  readonly lines: readonly string[]
}

const BUILT_IN = fileURLToPath(new URL('../../plugins', import.meta.url))

/** Writes a configuration and loads all of it, as `check` does; places are named from its folder. */
export async function prepareConfiguration(
  t: ExecutionContext,
  options: StartOptions = {},
): Promise<PreparedConfiguration> {
  const folder = writeConfiguration(t, await pki(), 8080, options)
  const preparation = await prepare({
    source: { file: path.join(folder, 'vouchgate.yaml'), env: options.env ?? {}, assignments: [] },
    builtIn: BUILT_IN,
    cwd: folder,
    now: new Date(),
    log: { info: () => undefined, warn: () => undefined },
  })
  const lines = preparation.faults.map(
    ({ at, message, severity }) => `${severity} ${at.replace(`${folder}/`, '')}: ${message}`,
  )
  return { ...preparation, folder, lines }
}
