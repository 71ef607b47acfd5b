import {
  appendFileSync,
  cpSync,
  globSync,
  mkdirSync,
  readFileSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import path from 'node:path'
import { pathToFileURL } from 'node:url'

import test from 'ava'

import { mintChain } from '../certificates/path/mint.ts'
import { questionOf } from '../certificates/path/judge.ts'
import { ROOT, serve, vouchgate } from '../commands/support/vouchgate.ts'
import { secretClient } from '../support/clients.ts'
import { pki } from '../support/pki.ts'
import { send } from '../support/send.ts'
import { writeConfiguration } from '../support/start-sidecar.ts'
import { temporaryFolder } from '../support/temporary-folder.ts'
import { buildPackage, run } from './support/package.ts'
import type { Package } from './support/package.ts'

type WorkerModule = typeof import('../../src/certificates/path/validate-path-in-worker.ts')

let built: Package

test.before(async () => {
  built = await buildPackage()
})

test.after.always(() => {
  built.remove()
})

const clients = [secretClient('batch', 'a secret of batch')]
const authorization = `Basic ${btoa('batch:a+secret+of+batch')}`

test('it serves with every plugin of the sources, and stops when it is told to', async (t) => {
  const running = await serve(t, { clients }, { bin: built.bin })
  const call = (headers: Readonly<Record<string, string>>) =>
    send(running.port, running.pki.rootCa.pem, { headers })
  t.is((await call({ authorization })).status, 200)
  t.is(running.upstream.arrived[0]?.headers['x-client-id'], 'batch')
  t.is((await call({})).status, 401)
  t.is((await running.logged('request.refused'))['reason'], 'no-credentials')

  const loaded = running.log.filter(({ event }) => event === 'plugin.loaded')
  const files = loaded.map(({ file }) => path.relative(built.dist, String(file))).toSorted()
  const sources = globSync('plugins/*/{*.ts,*/index.ts}', { cwd: ROOT })
  t.deepEqual(files, sources.map((file) => file.replace(/ts$/, 'js')).toSorted())
  running.child.kill('SIGTERM')
  t.is(await running.ended, 0)
})

test('its commands say what those of the sources say', async (t) => {
  const folder = writeConfiguration(t, await pki(), 1, { clients })
  for (const args of [['--version'], ['--help'], ['schema'], ['check'], ['serve', '--help']]) {
    const [one, other] = await Promise.all([
      vouchgate(args, { cwd: folder, bin: built.bin }),
      vouchgate(args, { cwd: folder }),
    ])
    t.deepEqual(one, other, args.join(' '))
    t.is(one.code, 0, one.stderr)
  }
})

test('the program of the npm package runs the build inside it', async (t) => {
  const bin = path.join(built.folder, 'bin/vouchgate.mjs')
  const { code, stdout, stderr } = await vouchgate(['--version'], { cwd: built.folder, bin })
  t.is(code, 0, stderr)
  t.regex(stdout, /^vouchgate \d+\.\d+\.\d+ \(node v/)
})

test('without sources and without a build one line says so', async (t) => {
  const folder = temporaryFolder(t)
  const bin = path.join(folder, 'bin/vouchgate.mjs')
  mkdirSync(path.dirname(bin))
  writeFileSync(bin, readFileSync(path.join(ROOT, 'bin/vouchgate.mjs')))
  const { code, stderr } = await vouchgate(['--version'], { bin })
  t.is(code, 1)
  t.is(stderr, 'vouchgate: is not built; run "npm run build"\n')
})

test('a fault of ours is shown where it stands in the sources', async (t) => {
  const breaking = `import util from 'node:util'
    import { syncBuiltinESMExports } from 'node:module'
    util.parseArgs = () => { throw new TypeError('broken for a test') }
    syncBuiltinESMExports()`
  const url = `data:text/javascript,${encodeURIComponent(breaking)}`
  const outcome = await run(process.execPath, ['--import', url, built.bin, 'check']).then(
    () => undefined,
    (error: unknown) => error as { readonly code: number; readonly stderr: string },
  )
  t.is(outcome?.code, 1)
  const [, line = ''] = /src\/commands\/check\.ts:(\d+):\d+/.exec(outcome?.stderr ?? '') ?? []
  const lines = readFileSync(path.join(ROOT, 'src/commands/check.ts'), 'utf8').split('\n')
  t.regex(lines[Number(line) - 1] ?? '', /parseArgs\(/, outcome?.stderr ?? '')
})

test('it validates a path in a thread', async (t) => {
  const file = path.join(built.dist, 'src/certificates/path/validate-path-in-worker.js')
  const { createPathWorker } = (await import(pathToFileURL(file).href)) as WorkerModule
  // A busy machine is no fault.
  const worker = createPathWorker({ milliseconds: 60_000, waitMilliseconds: 60_000 })
  t.teardown(() => worker.close())
  const verdict = await worker.validate(questionOf(mintChain()))
  t.deepEqual([verdict.ok, verdict.ok || verdict.reason], [true, true])
})

test('a plugin elsewhere is checked against the types of the contract', async (t) => {
  const plugin = (method: string) => `import type { ParserPlugin } from 'vouchgate/contract'
export default {
  contract: 1,
  setup: () => ({ method: ${method}, produces: 'shared_secret', parse: () => undefined }),
} satisfies ParserPlugin<'shared_secret'>
`
  const folder = temporaryFolder(t, {
    'good.ts': plugin(`'api_key'`),
    'bad.ts': plugin('3'),
    'package.json': '{ "type": "module" }',
  })
  mkdirSync(path.join(folder, 'node_modules'))
  symlinkSync(built.folder, path.join(folder, 'node_modules/vouchgate'))
  const options = [
    '--ignoreConfig',
    '--noEmit',
    '--strict',
    '--module',
    'nodenext',
    '--types',
    'node',
  ]
  const types = ['--typeRoots', path.join(ROOT, 'node_modules/@types'), '--target', 'es2024']
  const compile = (file: string) =>
    run(path.join(ROOT, 'node_modules/.bin/tsc'), [...options, ...types, file], {
      cwd: folder,
    }).then(
      () => '',
      (error: unknown) => (error as { readonly stdout: string }).stdout,
    )
  t.is(await compile('good.ts'), '')
  t.regex(await compile('bad.ts'), /^bad\.ts\(4,19\): error TS2322: .*'number'.*'string'/)
})

test('the npm package holds what runs, and neither sources nor tests', async (t) => {
  const args = ['pack', '--dry-run', '--json', '--ignore-scripts']
  const { stdout } = await run('npm', args, { cwd: built.folder })
  const [{ files }] = JSON.parse(stdout) as [{ files: readonly { readonly path: string }[] }]
  const names = files.map((file) => file.path)
  t.true(names.includes('dist/src/main.js'))
  t.deepEqual(
    names.filter(
      (name) =>
        !/^(LICENSE|README\.md|package\.json|bin\/vouchgate\.mjs)$/.test(name) &&
        !/^dist\/(package\.json|bin\/vouchgate\.mjs|config\/[\w.]+)$/.test(name) &&
        !/^dist\/(src|plugins)\/.*\.js(\.map)?$/.test(name) &&
        !/^dist\/src\/contract\/[a-z-]+\.d\.ts$/.test(name),
    ),
    [],
  )
})

test('nothing is built that would need a source when it runs', async (t) => {
  const folder = temporaryFolder(t)
  const copied = ['build', 'bin', 'config', 'plugins', 'src', 'package.json']
  for (const name of [...copied, 'tsconfig.json', 'tsconfig.build.json']) {
    cpSync(path.join(ROOT, name), path.join(folder, name), { recursive: true })
  }
  symlinkSync(path.join(ROOT, 'node_modules'), path.join(folder, 'node_modules'))
  const file = path.join(folder, 'src/commands/version.ts')
  appendFileSync(file, `export const other = new URL('./other.ts', import.meta.url)\n`)
  const outcome = await run(process.execPath, [path.join(folder, 'build/build.ts')]).then(
    () => undefined,
    (error: unknown) => error as { readonly code: number; readonly stderr: string },
  )
  t.is(outcome?.code, 1)
  t.is(outcome?.stderr, 'These would need a source when they run: src/commands/version.js\n')
})
