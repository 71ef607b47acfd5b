// What a client program is told: argv is url, folder of the certificates, name of the client's certificate or `-`.
import { readFileSync } from 'node:fs'
import path from 'node:path'

/** @returns options for `tls.connect` and `https.request` */
export function clientTls(folder, name) {
  const read = (file) => readFileSync(path.join(folder, file))
  const own = name === '-' ? {} : { cert: read(`${name}.crt`), key: read(`${name}.key`) }
  return { ca: read('ca.crt'), ...own }
}
