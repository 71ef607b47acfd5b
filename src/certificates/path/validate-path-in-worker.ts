import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'

import { anchorLimits, workerLimits } from './limits.ts'
import { parseCertificate } from './parse-certificate.ts'
import type { PathReply, PathRequest } from './path-messages.ts'
import { checkSizes } from './validate-path.ts'
import type { PathQuestion, PathVerdict } from './validate-path.ts'

/** Validates chains off the event loop. */
export interface PathWorker {
  /**
   * As `validatePath`. Further reasons: `chain-timeout`, and `chain-busy` when too many wait already
   * or this one waited too long, and `chain-failed` when the thread broke. Never rejects.
   */
  validate(question: PathQuestion): Promise<PathVerdict>
  /** Ends the thread; who waits is answered `chain-busy`. */
  close(): Promise<void>
}

export interface PathWorkerOptions {
  /** Time for one chain. */
  readonly milliseconds?: number
  /** Chains that may wait. */
  readonly waiting?: number
  /** How long a chain may wait. */
  readonly waitMilliseconds?: number
  /** The thread's program; for tests. */
  readonly program?: URL
}

interface Job {
  readonly question: PathQuestion
  readonly settle: (verdict: PathVerdict) => void
  timer: NodeJS.Timeout | undefined
}

/** A `.js` in a build, where this is one too. */
const WORKER = new URL(`./path-worker${extname(import.meta.url)}`, import.meta.url)

const knownSets = 64
const heapMegabytes = 128

/** Starts nothing yet: the thread begins with the first chain, and again after it was stopped. */
export function createPathWorker(options: PathWorkerOptions = {}): PathWorker {
  const pool = new Pool({
    ...workerLimits,
    program: WORKER,
    ...options,
  })
  return {
    validate: (question) => pool.validate(question),
    close: () => pool.close(),
  }
}

class Pool {
  readonly #options: Required<PathWorkerOptions>
  readonly #waiting: Job[] = []
  readonly #sets = new Set<string>()
  #worker: Worker | undefined
  #ready = false
  #running: Job | undefined
  #closed = false

  constructor(options: Required<PathWorkerOptions>) {
    this.#options = options
  }

  validate(question: PathQuestion): Promise<PathVerdict> {
    const excess = checkSizes(question)
    if (excess !== undefined) return Promise.resolve({ ok: false, ...excess })
    if (this.#closed || this.#waiting.length >= this.#options.waiting) {
      return Promise.resolve({ ok: false, reason: 'chain-busy' })
    }
    const { promise, resolve } = Promise.withResolvers<PathVerdict>()
    const job: Job = { question, settle: resolve, timer: undefined }
    job.timer = setTimeout(() => this.#giveUp(job), this.#options.waitMilliseconds)
    this.#waiting.push(job)
    this.#next()
    return promise
  }

  async close(): Promise<void> {
    this.#closed = true
    for (const job of this.#waiting.splice(0)) settle(job, { ok: false, reason: 'chain-busy' })
    await this.#stop({ ok: false, reason: 'chain-busy' })
  }

  #giveUp(job: Job): void {
    const at = this.#waiting.indexOf(job)
    if (at === -1) return
    this.#waiting.splice(at, 1)
    settle(job, { ok: false, reason: 'chain-busy' })
  }

  #next(): void {
    if (this.#running !== undefined || this.#waiting.length === 0 || this.#closed) return
    const worker = (this.#worker ??= this.#start())
    if (!this.#ready) return
    const job = this.#waiting.shift()
    if (job === undefined) return
    clearTimeout(job.timer)
    job.timer = setTimeout(() => {
      void this.#stop({ ok: false, reason: 'chain-timeout' }).then(() => this.#next())
    }, this.#options.milliseconds)
    this.#running = job
    worker.ref()
    worker.postMessage(this.#request(job.question), [])
  }

  #request({ anchors, leaf, intermediates, ...rest }: PathQuestion): PathRequest {
    const known = this.#sets.has(anchors.id)
    const forget = !known && this.#sets.size >= knownSets
    if (forget) this.#sets.clear()
    this.#sets.add(anchors.id)
    // Copies: a view would take the whole buffer that it lies in along.
    const chain = { leaf: Uint8Array.from(leaf), intermediates: intermediates.map(copied) }
    return {
      ...rest,
      ...chain,
      anchorsId: anchors.id,
      forget,
      ...(!known && { anchors: anchors.encoded }),
    }
  }

  #start(): Worker {
    const worker = new Worker(this.#options.program, {
      resourceLimits: { maxOldGenerationSizeMb: heapMegabytes },
      stdin: false,
    })
    const broken = (): void => {
      if (worker !== this.#worker) return
      void this.#stop({ ok: false, reason: 'chain-failed' }).then(() => this.#next())
    }
    worker.on('message', (reply: PathReply) => this.#receive(worker, reply))
    worker.on('error', broken)
    worker.on('exit', broken)
    this.#sets.clear()
    this.#ready = false
    return worker
  }

  #receive(worker: Worker, reply: PathReply): void {
    if (worker !== this.#worker) return
    if ('ready' in reply) {
      this.#ready = true
    } else if (this.#running !== undefined) {
      const job = this.#running
      this.#running = undefined
      settle(job, revive(reply, job.question))
    }
    // An idle thread must not keep the process alive.
    worker.unref()
    this.#next()
  }

  async #stop(verdict: PathVerdict): Promise<void> {
    const [worker, job] = [this.#worker, this.#running]
    this.#worker = undefined
    this.#ready = false
    this.#running = undefined
    if (job !== undefined) settle(job, verdict)
    // A thread that breaks before it is ready would be started again and again for who waits.
    else for (const waiting of this.#waiting.splice(0)) settle(waiting, verdict)
    await worker?.terminate()
  }
}

function copied(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from(bytes)
}

function settle(job: Job, verdict: PathVerdict): void {
  clearTimeout(job.timer)
  job.settle(verdict)
}

/** The path as parsed values of this thread; the anchor is the very one of the set. */
function revive(
  reply: Exclude<PathReply, { ready: true }>,
  { anchors }: PathQuestion,
): PathVerdict {
  if (!reply.ok) return reply
  const path = reply.path.flatMap((der) => {
    const reading = parseCertificate(der, anchorLimits.caBytes, anchorLimits)
    return reading.ok ? [reading.certificate] : []
  })
  const anchor = anchors.certificates.find(({ identity }) => identity === path.at(-1)?.identity)
  if (anchor === undefined || path.length !== reply.path.length) {
    return { ok: false, reason: 'chain-failed' }
  }
  return { ok: true, path: [...path.slice(0, -1), anchor] }
}
