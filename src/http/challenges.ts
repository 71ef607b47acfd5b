import type { ReadyPlugin } from '../plugin-host/set-up.ts'

/** The `WWW-Authenticate` values of the parsers that have a scheme (RFC 9110 §11.6.1). */
export function challengesOf(parsers: readonly ReadyPlugin<'parsers'>[]): readonly string[] {
  const schemes = new Set(
    parsers.map(({ part }) => part.challenge).filter((one) => one !== undefined),
  )
  return [...schemes].map((scheme) => `${scheme} realm="vouchgate"`)
}
