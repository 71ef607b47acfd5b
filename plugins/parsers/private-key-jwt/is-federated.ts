/**
 * Whether somebody else than the client signed: an issuer with an URL about a subject that is not itself. What a client
 * signs has its id in both places (RFC 7523 §3), so each assertion belongs to one parser, whatever is configured.
 */
export function isFederated({ iss, sub }: Readonly<Record<string, unknown>>): boolean {
  return (
    typeof iss === 'string' && /^https:\/\//i.test(iss) && typeof sub === 'string' && iss !== sub
  )
}
