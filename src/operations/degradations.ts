/** What works only from memory, for the operator: requests may still come here. */
export function degradations(
  stateIsGone: boolean,
  issuers: readonly { readonly issuer: string; failure(): string | undefined }[],
  upstreamsDown: readonly string[] = [],
): readonly string[] {
  return [
    ...(stateIsGone ? ['degraded: the state store is out of reach'] : []),
    ...issuers.flatMap((one) => {
      const failure = one.failure()
      return failure === undefined
        ? []
        : [`degraded: tokens of ${one.issuer} cannot be checked anew: ${failure}`]
    }),
    ...upstreamsDown.map((name) => `degraded: no target of upstream ${name} answers`),
  ]
}
