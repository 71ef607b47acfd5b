import type { PeerCertificate } from '#contract'

/** Room for all names together, in characters. */
const MAX_NAMES = 2048
/** Room for the element. */
const MAX_ELEMENT = 8192

/**
 * One element of `X-Forwarded-Client-Cert`: `Hash`, `Cert` when it is wanted, `Subject`, and a `URI` or `DNS` for each
 * such name of the certificate. Subject and names that have no room are left out, never cut.
 * @throws RangeError when the certificate is wanted and too large
 */
export function forwardedClientCert(peer: PeerCertificate, withCertificate: boolean): string {
  const pairs = [`Hash=${peer.thumbprintSha256.toLowerCase()}`]
  if (withCertificate) pairs.push(`Cert="${encodeURIComponent(pem(peer.raw))}"`)
  let room = MAX_NAMES
  for (const pair of names(peer)) {
    room -= pair.length + 1
    if (room >= 0) pairs.push(pair)
  }
  const element = pairs.join(';')
  if (element.length > MAX_ELEMENT)
    throw new RangeError('the certificate is too large for a header')
  return element
}

function names({ subject, subjectAltNames }: PeerCertificate): string[] {
  const of = (type: string, key: string) =>
    subjectAltNames.filter((name) => name.type === type).map(({ text }) => `${key}=${value(text)}`)
  return [
    `Subject="${distinguishedName(subject.rfc4514)}"`,
    ...of('uri', 'URI'),
    ...of('dns', 'DNS'),
  ]
}

/**
 * RFC 4514 lets any character stand as the hexadecimal of its UTF-8 bytes. Without a quote in it the quoted value ends
 * where it ends, whatever its reader thinks of backslashes.
 */
function distinguishedName(rfc4514: string): string {
  return rfc4514.replaceAll(/\\["\\]|[^\x20-\x21\x23-\x7e]/gu, (character) =>
    Buffer.from(character.length === 2 && character[0] === '\\' ? character.slice(1) : character)
      .toString('hex')
      .toUpperCase()
      .replaceAll(/../g, '\\$&'),
  )
}

/** In quotes when it must be; what could end a quoted value is percent-encoded. */
function value(text: string): string {
  const encoded = text.replaceAll(/[^\x21\x23-\x5b\x5d-\x7e]/gu, (character) =>
    Buffer.from(character).toString('hex').toUpperCase().replaceAll(/../g, '%$&'),
  )
  return /[,;=]/.test(encoded) ? `"${encoded}"` : encoded
}

function pem(der: Uint8Array): string {
  const lines = Buffer.from(der)
    .toString('base64')
    .replaceAll(/.{64}(?=.)/g, '$&\n')
  return `-----BEGIN CERTIFICATE-----\n${lines}\n-----END CERTIFICATE-----\n`
}
