import { freePort, program } from '../stage.ts'
import type { Stage } from '../stage.ts'

/** What judges tokens for the peers. */
export interface Introspection {
  /** The port for HTTP: `/judge`. */
  readonly port: number
  /** The port for HTTPS: `/introspect`. */
  readonly tlsPort: number
  /** How often it was asked so far. */
  asked(): Promise<number>
}

/** Starts it. It knows one token. */
export async function introspection(stage: Stage, token: string): Promise<Introspection> {
  const [port, tlsPort] = [await freePort(), await freePort()]
  const files = [stage.world.file('tls.key'), stage.world.file('tls.crt')]
  const args = [String(port), String(tlsPort), token, ...files]
  stage.help([process.execPath, program('introspection.mjs'), ...args])
  await stage.untilUp(tlsPort)
  return {
    port,
    tlsPort,
    asked: async () => Number(await (await fetch(`http://127.0.0.1:${port}/asked`)).text()),
  }
}
