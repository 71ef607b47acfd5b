#!/usr/bin/env node
// Plain JavaScript that an old Node can read: finds a Node that can run the rest.
import { spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import * as nodeModule from 'node:module'
import { dirname, join } from 'node:path'
import { fileURLToPath, pathToFileURL } from 'node:url'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

const [major, minor] = process.versions.node.split('.').map(Number)
const isSupported = major >= 26 || (major === 24 && minor >= 12)

const here = dirname(fileURLToPath(import.meta.url))

/** The sources in a clone; in a build what was made of them; in the npm package, where a build lies in `dist`, that. */
const MAINS = ['../src/main.ts', '../src/main.js', '../dist/src/main.js']

if (isSupported) runHere()
else runElsewhere()

function runHere() {
  const file = MAINS.map((name) => join(here, name)).find((name) => existsSync(name))
  if (file === undefined) {
    process.stderr.write('vouchgate: is not built; run "npm run build"\n')
    process.exitCode = 1
    return
  }
  startLean()
  // Lines of the sources in what is told of a fault. V8's compile cache is left off: it would save a quarter of the start
  // for 4 MB that stay.
  nodeModule.setSourceMapsSupport(true, { nodeModules: false })
  // Whoever reads our output may have had enough of it, as `head` does.
  process.stdout.on('error', () => process.exit(process.exitCode || 1))
  const io = {
    stdout: process.stdout,
    stderr: process.stderr,
    stdin: process.stdin,
    env: process.env,
    cwd: process.cwd(),
    now: () => new Date(),
  }
  import(pathToFileURL(file).href)
    .then(({ main }) => main(process.argv.slice(2), io))
    .then((code) => {
      process.exitCode = code
      // All is done. A plugin's timer or connection that is left behind must not keep us.
      setTimeout(() => process.exit(), 1000).unref()
    })
    .catch((error) => {
      process.stderr.write(`vouchgate: ${error.stack}\n`)
      process.exit(1)
    })
}

/** Less memory and time for starting. The figures are in bench/README.md. */
function startLean() {
  setTimeout(collectGarbage, 1000).unref()
  // An import of node:http reads each of its exports, and these three load all that `fetch` is made of.
  const http = process.getBuiltinModule('node:http')
  for (const name of ['WebSocket', 'CloseEvent', 'MessageEvent']) delete http[name]
}

/** Gives back, once, what starting has left behind: an idle process would keep it until it has something to do. */
function collectGarbage() {
  setFlagsFromString('--expose-gc')
  runInNewContext('gc')({ type: 'major', execution: 'sync', flavor: 'last-resort' })
  setFlagsFromString('--no-expose-gc')
}

function runElsewhere() {
  const node = bundledNode()
  if (node === undefined) {
    process.stderr.write(
      `vouchgate: needs Node 24.12 or newer (24 or 26), this is ${process.version}; ` +
        `install one, or run "npm ci", which brings its own\n`,
    )
    process.exitCode = 1
    return
  }
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], {
    stdio: 'inherit',
  })
  for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP']) {
    process.on(signal, () => child.kill(signal))
  }
  child.on('error', (error) => {
    process.stderr.write(`vouchgate: cannot run ${node}: ${error.message}\n`)
    process.exitCode = 1
  })
  child.on('exit', (code) => {
    process.exitCode = code === null ? 1 : code
  })
}

/** The Node that came as an optional dependency, if this platform has one. */
function bundledNode() {
  const require = nodeModule.createRequire(import.meta.url)
  for (const name of [
    `node-${process.platform}-${process.arch}`,
    `node-bin-${process.platform}-${process.arch}`,
  ]) {
    try {
      const file = join(dirname(require.resolve(`${name}/package.json`)), 'bin', 'node')
      if (existsSync(file)) return file
    } catch {
      // Not installed: the next one, or none.
    }
  }
  return undefined
}
