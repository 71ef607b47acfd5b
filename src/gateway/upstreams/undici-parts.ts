import { createRequire } from 'node:module'

const require = createRequire(import.meta.url)

/** The parts of undici that forward. Its index would load `fetch`, caches and WebSocket as well: 4 MB that nobody uses. */
export const undiciParts = {
  Pool: require('undici/lib/dispatcher/pool.js') as typeof import('undici').Pool,
  buildConnector: require('undici/lib/core/connect.js') as typeof import('undici').buildConnector,
}
