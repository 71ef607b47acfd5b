import { createPrivateKey, X509Certificate } from 'node:crypto'

import type { SettingsReading } from '../../config/read-settings.ts'
import type { Settings } from '../../config/settings-schema.ts'
import type { UpstreamSettings } from '../../config/upstream-schema.ts'
import type { Fault } from '../../errors.ts'
import { targetAddress } from './target-address.ts'
import { tlsContext } from './upstream-tls.ts'
import type { TlsMaterial } from './upstream-tls.ts'

interface Found {
  readonly path: readonly PropertyKey[]
  readonly message: string
  readonly severity?: 'note'
}

/** What is wrong with `upstream` and `upstreams` beyond their form, and with rules that name one that is not there. */
export function upstreamFaults(
  settings: Settings,
  locate: SettingsReading['locate'],
  now: Date,
): readonly Fault[] {
  const { upstream, upstreams, routes } = settings
  const under = (path: readonly PropertyKey[], one: UpstreamSettings): readonly Found[] =>
    faultsOf(one, now).map((found) => ({ ...found, path: [...path, ...found.path] }))
  const named = new Set(Object.keys(upstreams))
  const known = named.size > 0 ? `; there are ${[...named].join(', ')}` : ''
  const found: readonly Found[] = [
    ...under(['upstream'], upstream),
    ...Object.entries(upstreams).flatMap(([name, one]) => under(['upstreams', name], one)),
    ...routes.flatMap(({ upstream: name }, index): readonly Found[] =>
      name === undefined || named.has(name)
        ? []
        : [
            {
              path: ['routes', index, 'upstream'],
              message: `there is no upstream ${name}${known}`,
            },
          ],
    ),
  ]
  return found.map(({ path, message, severity }) => ({
    at: locate(path),
    message: `${path.map(String).join('.')}: ${message}`,
    severity: severity ?? 'error',
  }))
}

function faultsOf({ targets, tls }: UpstreamSettings, now: Date): readonly Found[] {
  const addresses = targets.map(targetAddress)
  const texts = addresses.map(({ text }) => text)
  const twice = texts.flatMap((text, index) =>
    texts.indexOf(text) < index ? [{ path: ['targets', index], message: 'is there twice' }] : [],
  )
  if (!tls) return twice
  const plain = addresses.find(({ secure }) => !secure)
  return [
    ...twice,
    ...(plain
      ? [{ path: ['tls'], message: `is for https targets, and ${plain.text} is none` }]
      : []),
    ...tlsFaults(tls, now),
  ]
}

function tlsFaults({ ca, certificate, key }: TlsMaterial, now: Date): readonly Found[] {
  const inCa = ca === undefined ? undefined : certificateFault(ca)
  const inCertificate = certificate === undefined ? undefined : certificateFault(certificate)
  const faults = [
    ...(inCa === undefined ? [] : [{ path: ['tls', 'ca'], message: inCa }]),
    ...(inCertificate === undefined
      ? []
      : [{ path: ['tls', 'certificate'], message: inCertificate }]),
    ...keyFaults(certificate, key),
  ]
  if (faults.length > 0 || certificate === undefined) return faults
  const { validTo } = new X509Certificate(certificate)
  return new Date(validTo) > now
    ? []
    : [{ path: ['tls', 'certificate'], message: `expired on ${validTo}`, severity: 'note' }]
}

function keyFaults(certificate: string | undefined, key: string | undefined): readonly Found[] {
  if (certificate === undefined && key === undefined) return []
  if (key === undefined) return [{ path: ['tls', 'certificate'], message: 'has no key beside it' }]
  if (certificate === undefined) return [{ path: ['tls', 'key'], message: 'has no certificate' }]
  try {
    createPrivateKey(key)
  } catch {
    return [{ path: ['tls', 'key'], message: 'is not a private key in PEM without a passphrase' }]
  }
  try {
    tlsContext({ certificate, key })
    return []
  } catch {
    return [{ path: ['tls', 'key'], message: 'is not the key of the certificate' }]
  }
}

const CERTIFICATE = /-----BEGIN (?:TRUSTED |X509 )?CERTIFICATE-----[^-]*-----END [A-Z0-9 ]+-----/g

/** OpenSSL passes over in silence what it cannot read of a list. */
function certificateFault(pem: string): string | undefined {
  const blocks = pem.match(CERTIFICATE) ?? []
  if (blocks.length === 0) return 'holds no certificate in PEM'
  for (const [index, block] of blocks.entries()) {
    try {
      // oxlint-disable-next-line no-new
      new X509Certificate(block)
    } catch {
      return `certificate ${index + 1} of ${blocks.length} cannot be read`
    }
  }
  return undefined
}
