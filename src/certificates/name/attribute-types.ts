/** The word for an attribute type in each notation; where there is none, the number stands. */
export interface AttributeType {
  readonly oid: string
  readonly dotnet?: string
  readonly rfc4514?: string
  readonly openssl?: string
  /** Further spellings that are read. */
  readonly aliases: readonly string[]
}

// Object identifier | .NET | RFC 4514 | OpenSSL | further spellings
const TABLE = `
2.5.4.3                    | CN          | CN     | CN                   | commonName
2.5.4.4                    | SN          |        | SN                   | surname
2.5.4.5                    | SERIALNUMBER|        | serialNumber         |
2.5.4.6                    | C           | C      | C                    | countryName
2.5.4.7                    | L           | L      | L                    | localityName
2.5.4.8                    | S           | ST     | ST                   | stateOrProvinceName
2.5.4.9                    | STREET      | STREET | street               | streetAddress
2.5.4.10                   | O           | O      | O                    | organizationName
2.5.4.11                   | OU          | OU     | OU                   | organizationalUnitName
2.5.4.12                   | T           |        | title                |
2.5.4.13                   | Description |        | description          |
2.5.4.15                   |             |        | businessCategory     |
2.5.4.17                   | PostalCode  |        | postalCode           |
2.5.4.18                   | POBox       |        | postOfficeBox        |
2.5.4.20                   | Phone       |        | telephoneNumber      |
2.5.4.24                   | X21Address  |        | x121Address          |
2.5.4.41                   |             |        | name                 |
2.5.4.42                   | G           |        | GN                   | givenName
2.5.4.43                   | I           |        | initials             |
2.5.4.44                   |             |        | generationQualifier  | generation
2.5.4.45                   |             |        | x500UniqueIdentifier |
2.5.4.46                   | dnQualifier |        | dnQualifier          | DNQ
2.5.4.51                   |             |        | houseIdentifier      |
2.5.4.65                   |             |        | pseudonym            |
2.5.4.72                   |             |        | role                 |
2.5.4.97                   |             |        | organizationIdentifier |
0.9.2342.19200300.100.1.1  |             | UID    | UID                  | userId
0.9.2342.19200300.100.1.3  |             |        | mail                 | rfc822Mailbox
0.9.2342.19200300.100.1.25 | DC          | DC     | DC                   | domainComponent
1.2.840.113549.1.9.1       | E           |        | emailAddress         | email
1.2.840.113549.1.9.2       |             |        | unstructuredName     |
1.2.840.113549.1.9.8       |             |        | unstructuredAddress  |
1.3.6.1.4.1.311.60.2.1.1   |             |        | jurisdictionL        | jurisdictionLocalityName
1.3.6.1.4.1.311.60.2.1.2   |             |        | jurisdictionST       | jurisdictionStateOrProvinceName
1.3.6.1.4.1.311.60.2.1.3   |             |        | jurisdictionC        | jurisdictionCountryName
`

/** The attribute types that have words; their values compare without regard to case and spacing. */
export const ATTRIBUTE_TYPES: ReadonlyMap<string, AttributeType> = new Map(
  TABLE.trim()
    .split('\n')
    .map((line) => {
      const [oid = '', dotnet, rfc4514, openssl, alias] = line.split('|').map((cell) => cell.trim())
      const row: AttributeType = {
        oid,
        ...(dotnet && { dotnet }),
        ...(rfc4514 && { rfc4514 }),
        ...(openssl && { openssl }),
        aliases: alias ? [alias] : [],
      }
      return [oid, row]
    }),
)

const BY_KEYWORD: ReadonlyMap<string, string> = new Map(
  [...ATTRIBUTE_TYPES.values()].flatMap(({ oid, dotnet, rfc4514, openssl, aliases }) =>
    [dotnet, rfc4514, openssl, ...aliases]
      .filter((word) => word !== undefined)
      .map((word): [string, string] => [word.toLowerCase(), oid]),
  ),
)

/** The object identifier behind a word in any notation, in any case. */
export function attributeTypeOf(keyword: string): string | undefined {
  return BY_KEYWORD.get(keyword.toLowerCase())
}
