/** The ASN.1 string types that are read as text. */
export type StringType =
  | 'UTF8String'
  | 'PrintableString'
  | 'IA5String'
  | 'TeletexString'
  | 'NumericString'
  | 'VisibleString'
  | 'BMPString'
  | 'UniversalString'

export interface TextAttribute {
  /** The attribute type as a dotted object identifier. */
  readonly type: string
  readonly text: string
  /** Absent for a name that was read from text. */
  readonly stringType?: StringType
}

/** A value that is no string, or a string whose octets its type does not allow. */
export interface DerAttribute {
  readonly type: string
  /** The value's whole DER encoding. */
  readonly der: Uint8Array
}

export type NameAttribute = TextAttribute | DerAttribute

/** One step of a name; more than one attribute makes it multi-valued. */
export type RelativeName = readonly NameAttribute[]

/** An X.501 name, its steps in the order in which a certificate encodes them. */
export type DistinguishedName = readonly RelativeName[]

/** How a name is written as text. */
export type NameNotation = 'dotnet' | 'rfc4514' | 'openssl' | 'slash'

/** The longest name that is read, in octets of DER or characters of text. */
export const MAX_NAME_LENGTH = 65_536

/** The most attributes that a name may have. */
export const MAX_NAME_ATTRIBUTES = 256
