import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, existsSync, readFileSync } from 'node:fs'
import { connect } from 'node:net'
import path from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'

import type { ExecutionContext, TestFn } from 'ava'

import { freePort } from './redis-server.ts'
import { temporaryFolder } from './temporary-folder.ts'

const PROGRAM = '/usr/sbin/apache2'
const MODULES = '/usr/lib/apache2/modules'
const INSTALLED = existsSync(PROGRAM) && existsSync(`${MODULES}/mod_auth_openidc.so`)

/** Declares a test that needs Apache and mod_auth_openidc. Without them it is skipped for all to see, and fails where CI is set. */
export function apacheTest(
  test: TestFn,
): (title: string, run: (t: ExecutionContext) => Promise<void>) => void {
  if (INSTALLED || process.env['CI']) return test
  return (title, run) => {
    test.skip(`${title} (apache2 with libapache2-mod-auth-openidc is not installed)`, run)
  }
}

/** An Apache of its own in front of one page, `/index.html`, that says `apache says hello`. @returns its URL */
export async function apache(
  t: ExecutionContext,
  directives: string,
  files: Readonly<Record<string, string>>,
): Promise<string> {
  const port = await freePort()
  const folder = temporaryFolder(t, { 'www/index.html': 'apache says hello', ...files })
  // When it is started by root it serves as somebody who must be able to read this.
  chmodSync(folder, 0o755)
  const loaded = ['mpm_event', 'authn_core', 'authz_core', 'authz_user', 'auth_openidc'].map(
    (name) => `LoadModule ${name}_module ${MODULES}/mod_${name}.so`,
  )
  const configuration = `
ServerRoot ${folder}
Listen 127.0.0.1:${port}
ServerName localhost
PidFile ${folder}/pid
DefaultRuntimeDir ${folder}
ErrorLog ${folder}/error.log
${loaded.join('\n')}
${process.getuid?.() === 0 ? 'User www-data\nGroup www-data' : ''}
DocumentRoot ${folder}/www
StartServers 1
${directives.replaceAll('FOLDER', folder)}
`
  const file = path.join(temporaryFolder(t, { 'apache.conf': configuration }), 'apache.conf')
  const child = spawn(PROGRAM, ['-f', file, '-DFOREGROUND'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let complaint = ''
  child.stderr.on('data', (chunk: Buffer) => (complaint += String(chunk)))
  t.teardown(async () => {
    if (child.exitCode !== null) return
    const gone = once(child, 'exit')
    child.kill('SIGTERM')
    await gone
  })
  while (!(await listens(port))) {
    const log = path.join(folder, 'error.log')
    if (child.exitCode !== null) {
      throw new Error(complaint + (existsSync(log) ? readFileSync(log, 'utf8') : ''))
    }
    await pause(20)
  }
  return `http://127.0.0.1:${port}`
}

async function listens(port: number): Promise<boolean> {
  const socket = connect(port, '127.0.0.1')
  try {
    await once(socket, 'connect')
    return true
  } catch {
    return false
  } finally {
    socket.destroy()
  }
}
