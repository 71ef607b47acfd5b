const PLAIN = /^[!-$&-~](?:[ -$&-~]*[!-$&-~])?$/

/** What a plugin may use for a name that somebody chose: see `PluginHost.asHeaderValue`. */
export function asHeaderValue(text: string): string {
  if (PLAIN.test(text)) return text
  return text.replaceAll(/^ | $|[^ -$&-~]/gu, (character) =>
    Buffer.from(character).toString('hex').toUpperCase().replaceAll(/../g, '%$&'),
  )
}
