import { hash } from 'node:crypto'

import { encodeObjectIdentifier } from '../der/object-identifier.ts'
import { writeDer } from '../der/write-der.ts'
import type { ParsedCertificate } from '../path/parse-certificate.ts'

/** SHA-1 merely names the certificate there, and it is what every responder understands (RFC 5019 §2.1.1). */
const SHA1 = writeDer(
  0x30,
  writeDer(0x06, encodeObjectIdentifier('1.3.14.3.2.26') ?? Buffer.alloc(0)),
  writeDer(0x05),
)

/** The DER of an OCSPRequest about one certificate (RFC 6960 §4.1.1), without a nonce: answers are kept. */
export function ocspRequest(certificate: ParsedCertificate, issuer: ParsedCertificate): Buffer {
  const id = writeDer(
    0x30,
    SHA1,
    writeDer(0x04, hash('sha1', certificate.issuer.raw, 'buffer')),
    writeDer(0x04, hash('sha1', issuer.publicKey.bits, 'buffer')),
    writeDer(0x02, Buffer.from(certificate.serial, 'hex')),
  )
  return writeDer(0x30, writeDer(0x30, writeDer(0x30, writeDer(0x30, id))))
}
