import { checkSaid, isTooLong, malformed, valuesOf } from './said-by-proxies.ts'
import type { Said } from './said-by-proxies.ts'

/**
 * Reads `X-Forwarded-For`, `-Proto` and `-Host`. The first is a list, on one line or several, in which each proxy
 * appends who called it. Of the others there may be one, with one value.
 */
export function readXForwarded(rawHeaders: readonly string[]): Said {
  const lines = valuesOf(rawHeaders, 'x-forwarded-for')
  const protos = valuesOf(rawHeaders, 'x-forwarded-proto')
  const hosts = valuesOf(rawHeaders, 'x-forwarded-host')
  if (isTooLong(lines)) return malformed('x-forwarded-for', 'too long')
  if (protos.length > 1) return malformed('x-forwarded-proto', 'more than one')
  if (hosts.length > 1) return malformed('x-forwarded-host', 'more than one')
  const nodes = lines.flatMap((line) => line.split(',')).map((node) => ({ node: node.trim() }))
  return checkSaid('x-forwarded', nodes, { proto: protos[0], host: hosts[0] })
}
