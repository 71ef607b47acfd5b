import { execFile } from 'node:child_process'
import { cpSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'

import { ROOT } from '../../commands/support/vouchgate.ts'

export const run = promisify(execFile)

/** The files of the npm package that are there without a build. */
const BESIDE = ['package.json', 'bin', 'LICENSE', 'README.md']

/** The npm package, built anew in a folder of its own, with our dependencies above it. */
export interface Package {
  readonly folder: string
  readonly dist: string
  /** The program that a copy of `dist` alone has. */
  readonly bin: string
  remove(): void
}

export async function buildPackage(): Promise<Package> {
  const above = mkdtempSync(path.join(tmpdir(), 'vouchgate-test-'))
  const folder = path.join(above, 'package')
  const dist = path.join(folder, 'dist')
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(above, 'node_modules'))
  for (const name of BESIDE) {
    cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true })
  }
  await run(process.execPath, [path.join(ROOT, 'build/build.ts'), dist])
  const remove = () => rmSync(above, { recursive: true, force: true })
  return { folder, dist, bin: path.join(dist, 'bin/vouchgate.mjs'), remove }
}
