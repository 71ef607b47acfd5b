import path from 'node:path'

/** One way to prove a client, as a command to paste. */
export interface WayIn {
  readonly title: string
  readonly command: string
}

export interface WaysInPlaces {
  /** The URL of the sidecar. */
  readonly base: string
  /** The folder of the development files, as seen from the shell. */
  readonly dev: string
  /** How the shell runs this program. */
  readonly program: string
}

/** The commands that the demonstration shows; each succeeds as it stands. */
export function waysIn({ base, dev, program }: WaysInPlaces): readonly WayIn[] {
  const file = (name: string) => shellWord(path.join(dev, name))
  const identity = (name: string) => `--cert ${file(`${name}.crt`)} --key ${file(`${name}.key`)}`
  // The answer of the token endpoint ends without a line end, and the prompt would stick to it.
  const curl = `curl -w '\\n' --cacert ${file('ca.crt')}`
  const endpoint = `${base}/connect/token`
  const grant = '-d grant_type=client_credentials'
  const jwt =
    `${program} token ${base} --ca ${file('ca.crt')} --client signer ` +
    `--method private_key_jwt --assertion-key ${file('assertion.key')}`
  return [
    {
      title: 'a token, by a secret in a Basic header',
      command: `${curl} -u "batch:$(cat ${file('secret')})" ${grant} ${endpoint}`,
    },
    {
      title: 'a token, by a secret in the body',
      command: `${curl} ${grant} -d client_id=batch --data-urlencode client_secret@${file('secret')} ${endpoint}`,
    },
    {
      title: 'a token, by the thumbprint of a self-signed certificate',
      command: `${curl} ${identity('self-signed')} ${grant} -d client_id=laptop ${endpoint}`,
    },
    {
      title: 'a token, by the subject name of a certificate from the development CA',
      command: `${curl} ${identity('client')} ${grant} -d client_id=billing ${endpoint}`,
    },
    { title: 'a token, by a signed JWT', command: jwt },
    {
      title: 'the API, with a bearer token',
      command: `${curl} -H "Authorization: Bearer $(${jwt} --only-token)" ${base}/orders/1`,
    },
    {
      title: 'the API, by a certificate alone',
      command: `${curl} ${identity('client')} ${base}/orders/1`,
    },
  ]
}

/** Text as one word of a POSIX shell. */
export function shellWord(text: string): string {
  return /^[\w./+:@=-]+$/.test(text) ? text : `'${text.replaceAll("'", String.raw`'\''`)}'`
}
