import { X509Certificate, hash } from 'node:crypto'

import { KeyFault } from './public-key.ts'
import type { PublicKey } from './public-key.ts'

/** Reads a certificate for the key that it holds: base64 of its DER, or PEM. @throws {KeyFault} */
export function readCertificate(value: string): PublicKey {
  if (value.includes('PRIVATE KEY-----'))
    throw new KeyFault(
      'this holds a private key; register the certificate alone and give the client a new key',
    )
  if (value.split('-----BEGIN').length > 2)
    throw new KeyFault('this holds several certificates; register the leaf alone')
  const certificate = parse(value)
  const { raw } = certificate
  // From text: of a date that cannot be read Node makes, as a `Date`, whatever its memory holds.
  const [notBefore, notAfter] = [new Date(certificate.validFrom), new Date(certificate.validTo)]
  if (Number.isNaN(notBefore.getTime() + notAfter.getTime())) {
    throw new KeyFault('it says when it is valid in a way that nobody can read')
  }
  const expired = notAfter.getTime() < Date.now()
  return {
    key: keyOf(certificate),
    certificate: {
      notBefore,
      notAfter,
      x5t: hash('sha1', raw, 'base64url'),
      x5tS256: hash('sha256', raw, 'base64url'),
    },
    ...(expired && {
      warning: `the certificate expired on ${notAfter.toISOString().slice(0, 10)}`,
    }),
  }
}

function parse(value: string): X509Certificate {
  const pem = value.includes('-----BEGIN')
  const written = value.replaceAll(/\s/g, '')
  const der = Buffer.from(written, 'base64')
  if (!pem && der.toString('base64') !== written)
    throw new KeyFault('it is neither base64 of a certificate (DER) nor PEM')
  try {
    const certificate = new X509Certificate(pem ? value : der)
    if (pem || certificate.raw.length === der.length) return certificate
  } catch {
    // Said below.
  }
  throw new KeyFault('it is not one whole X.509 certificate')
}

function keyOf(certificate: X509Certificate) {
  try {
    return certificate.publicKey
  } catch {
    throw new KeyFault('the key in the certificate is of an unknown type or malformed')
  }
}
