import type { Client } from '#contract'

/** Stands in for an unknown client, so that refusing it costs what refusing a known one costs. */
export const decoyClient: Client = Object.freeze({
  clientId: '',
  enabled: false,
  clientSecrets: [],
  requireClientSecret: true,
  allowedGrantTypes: [],
  allowedScopes: [],
  accessTokenType: 'Jwt',
  accessTokenLifetime: 0,
  claims: [],
  clientClaimsPrefix: '',
  basicDecoding: 'strict',
})
