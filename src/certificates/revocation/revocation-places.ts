import type { GeneralName } from '../path/general-name.ts'
import type { ParsedCertificate } from '../path/parse-certificate.ts'
import type { FetchRules } from './revocation-rules.ts'

/** Where one thing is to be had: the first that answers will do. */
export type Places = readonly URL[]

const OCSP = '1.3.6.1.5.5.7.48.1'
const MAX_POINTS = 4
const MAX_PLACES = 2
const PORTS: Readonly<Record<string, string>> = { 'http:': '80', 'https:': '443' }

/** The responders that a certificate names and that may be asked. */
export function ocspPlaces(certificate: ParsedCertificate, rules: FetchRules): Places {
  if (!rules.ocsp) return []
  const { authorityInfoAccess = [] } = certificate.extensions
  const responders = authorityInfoAccess.filter(({ method }) => method === OCSP)
  return allowed(
    responders.map(({ location }) => location),
    rules,
  )
}

/** The distribution points that a certificate names and that may be asked; each is one CRL. */
export function crlPlaces(certificate: ParsedCertificate, rules: FetchRules): readonly Places[] {
  if (!rules.crl) return []
  const { crlDistributionPoints = [] } = certificate.extensions
  return crlDistributionPoints
    .map(({ name }) => allowed(name && 'full' in name ? name.full : [], rules))
    .filter((places) => places.length > 0)
    .slice(0, MAX_POINTS)
}

/** These addresses come from a certificate: only hosts that the operator listed are asked. */
function allowed(names: readonly GeneralName[], { hosts }: FetchRules): Places {
  const urls = names.flatMap((name) =>
    name.type === 'uri' && URL.canParse(name.value) ? [new URL(name.value)] : [],
  )
  return urls
    .filter(({ protocol, hostname, port, username, password }) => {
      const usual = PORTS[protocol]
      if (usual === undefined || username !== '' || password !== '') return false
      const effective = port || usual
      return (
        hosts.includes(`${hostname}:${effective}`) ||
        (effective === usual && hosts.includes(hostname))
      )
    })
    .slice(0, MAX_PLACES)
}
