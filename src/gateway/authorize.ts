import type { Principal, Refusal } from '#contract'

/** @returns why the caller may not use the route, or undefined */
export function authorize(
  principal: Principal,
  scopes: readonly string[] | undefined,
): Refusal | undefined {
  const lacking = scopes?.filter((scope) => !principal.scopes.includes(scope)) ?? []
  if (lacking.length === 0) return undefined
  return {
    reason: 'scope-missing',
    got: principal.scopes.join(' '),
    want: scopes?.join(' ') ?? '',
    hint: `the client lacks ${lacking.join(' ')}`,
  }
}
