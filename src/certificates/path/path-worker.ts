import { parentPort } from 'node:worker_threads'
import { createAnchorSet } from './anchor-set.ts'
import type { AnchorSet } from './anchor-set.ts'
import type { PathReply, PathRequest } from './path-messages.ts'
import { validatePath } from './validate-path.ts'

// A thread of its own for chains that come raw from outside: see `createPathWorker`.
const seen = new Map<string, AnchorSet>()

function answer(request: PathRequest): PathReply {
  const { anchorsId, anchors: encoded, forget, ...rest } = request
  if (forget) seen.clear()
  const anchors = seen.get(anchorsId) ?? createAnchorSet(encoded ?? [])
  seen.set(anchorsId, anchors)
  const verdict = validatePath({ ...rest, anchors })
  return verdict.ok ? { ok: true, path: verdict.path.map(({ raw }) => raw.slice()) } : verdict
}

parentPort?.on('message', (request: PathRequest) => parentPort?.postMessage(answer(request), []))
parentPort?.postMessage({ ready: true } satisfies PathReply, [])
