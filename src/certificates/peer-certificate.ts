import { hash } from 'node:crypto'
import type { X509Certificate } from 'node:crypto'

import type { CertificateName, PeerCertificate, SubjectAltName } from '#contract'

import { certificateFields } from './certificate-fields.ts'
import { LazyName } from './lazy-name.ts'
import { DerFault } from './path/der.ts'
import { subjectAltNames } from './subject-alt-names.ts'

// Beyond these no date compares: a certificate whose own date cannot be read is valid at no time.
const NEVER_BEGINS = new Date(8.64e15)
const ENDED_BEFORE_TIME = new Date(-8.64e15)

/**
 * What plugins may know of a certificate: that of a handshake (`socket.getPeerX509Certificate()`), or of a message.
 * Hashes and names are made when they are asked for, once. Never throws, whatever the certificate holds.
 */
export function peerCertificate(x509: X509Certificate): PeerCertificate {
  return new Peer(x509)
}

class Peer implements PeerCertificate {
  readonly raw: Buffer
  readonly notBefore: Date
  readonly notAfter: Date
  #fields: Fields | undefined
  #subjectAltNames: readonly SubjectAltName[] | undefined
  #sha1: string | undefined
  #sha256: string | undefined
  #x5tS256: string | undefined

  constructor(x509: X509Certificate) {
    this.raw = x509.raw
    this.notBefore = dateOf(x509.validFrom) ?? NEVER_BEGINS
    this.notAfter = dateOf(x509.validTo) ?? ENDED_BEFORE_TIME
  }

  get subject(): CertificateName {
    return (this.#fields ??= readFields(this.raw)).subject
  }

  get issuer(): CertificateName {
    return (this.#fields ??= readFields(this.raw)).issuer
  }

  get subjectAltNames(): readonly SubjectAltName[] {
    return (this.#subjectAltNames ??= subjectAltNames(this.raw))
  }

  get spkiSha256(): string {
    return (this.#fields ??= readFields(this.raw)).spkiSha256
  }

  get thumbprintSha1(): string {
    return (this.#sha1 ??= hash('sha1', this.raw, 'hex').toUpperCase())
  }

  get thumbprintSha256(): string {
    return (this.#sha256 ??= hash('sha256', this.raw, 'hex').toUpperCase())
  }

  get x5tS256(): string {
    return (this.#x5tS256 ??= hash('sha256', this.raw, 'base64url'))
  }
}

/** From text: of one that cannot be read Node makes, as a `Date`, whatever its memory holds. */
function dateOf(text: string): Date | undefined {
  const date = new Date(text)
  return Number.isNaN(date.getTime()) ? undefined : date
}

interface Fields {
  readonly subject: CertificateName
  readonly issuer: CertificateName
  readonly spkiSha256: string
}

function readFields(raw: Buffer): Fields {
  try {
    const { subject, issuer, subjectPublicKeyInfo } = certificateFields(raw)
    return {
      subject: new LazyName(subject),
      issuer: new LazyName(issuer),
      spkiSha256: hash('sha256', subjectPublicKeyInfo, 'hex').toUpperCase(),
    }
  } catch (error) {
    if (!(error instanceof DerFault)) throw error
    // No digest is empty, so nothing that is registered matches.
    return { subject: new LazyName(undefined), issuer: new LazyName(undefined), spkiSha256: '' }
  }
}
