import { hash } from 'node:crypto'

import type { CertificateName } from '#contract'

import { decodeName } from './name/decode-name.ts'
import type { DistinguishedName, NameNotation } from './name/distinguished-name.ts'
import { nameKey } from './name/name-key.ts'
import { renderName } from './name/render-name.ts'
import { DerFault } from './path/der.ts'

/**
 * A name from its DER. It is read when something of it is asked for, once.
 * An empty name and one that cannot be read render as nothing and have a key that no registered name has.
 */
export class LazyName implements CertificateName {
  readonly #der: Uint8Array | undefined
  readonly #rendered = new Map<NameNotation, string>()
  #name: DistinguishedName | 'unreadable' | undefined
  #key: string | undefined

  /** @param der `undefined`: the certificate around the name could not be read */
  constructor(der: Uint8Array | undefined) {
    this.#der = der
  }

  get key(): string {
    return (this.#key ??= this.#makeKey())
  }

  get dotnet(): string {
    return this.render('dotnet')
  }

  get rfc4514(): string {
    return this.render('rfc4514')
  }

  get openssl(): string {
    return this.render('openssl')
  }

  render(notation: NameNotation): string {
    const known = this.#rendered.get(notation)
    if (known !== undefined) return known
    const name = this.#read()
    const text = name === 'unreadable' ? '' : renderName(name, notation)
    this.#rendered.set(notation, text)
    return text
  }

  // Keys of registered names begin with a digit.
  #makeKey(): string {
    const name = this.#read()
    if (name !== 'unreadable') return name.length === 0 ? '!empty' : nameKey(name)
    return `!unreadable ${this.#der ? hash('sha256', this.#der, 'hex') : ''}`
  }

  #read(): DistinguishedName | 'unreadable' {
    return (this.#name ??= readable(this.#der))
  }
}

function readable(der: Uint8Array | undefined): DistinguishedName | 'unreadable' {
  if (der === undefined) return 'unreadable'
  try {
    return decodeName(der)
  } catch (error) {
    if (error instanceof DerFault) return 'unreadable'
    throw error
  }
}
