import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'

import test from 'ava'
import { z } from 'zod'

import {
  ALGORITHM_NAMES,
  verifySignature,
} from '../../../plugins/validators/private-key-jwt/algorithms.ts'
import { checkHeader } from '../../../plugins/validators/private-key-jwt/check-header.ts'
import { readKeyHolders } from '../../../plugins/validators/private-key-jwt/key-holder.ts'
import { aSecret } from '../../contract/build.ts'

const PROJECT = fileURLToPath(new URL('../../../', import.meta.url))
const FOLDER = `${process.env['VOUCHGATE_CORPORA'] ?? `${PROJECT}../shared/corpora`}/jose`

const members = z.record(z.string(), z.unknown())
const vectors = z.object({
  testGroups: z.array(
    z.object({
      comment: z.string(),
      public: members.optional(),
      private: members.optional(),
      tests: z.array(
        z.object({ tcId: z.number(), comment: z.string(), jws: z.unknown(), result: z.string() }),
      ),
    }),
  ),
})

/** Valid by the letter of RFC 7515, refused here: `ES521` is no registered algorithm, HMAC is not for clients. */
const STRICTER = new Set(['ES521', 'HS256', 'HS384', 'HS512'])
const PRIVATE = new Set(['d', 'p', 'q', 'dp', 'dq', 'qi'])

for (const file of ['wycheproof_json_web_signature.json', 'wycheproof_json_web_key.json']) {
  const there = existsSync(`${FOLDER}/${file}`)
  const run = there ? test : test.skip
  run(`${file}: no forged signature and no weak key is accepted, every other signature is`, (t) => {
    const { testGroups } = vectors.parse(JSON.parse(readFileSync(`${FOLDER}/${file}`, 'utf8')))
    let count = 0
    for (const group of testGroups) {
      const held = group.public ?? group.private ?? {}
      const keys = z.array(members).catch([held]).parse(held['keys'])
      for (const { tcId, jws, result, comment } of group.tests) {
        count += 1
        const accepted = keys.some((key) => accepts(key, jws))
        const stricter = keys.some((key) => STRICTER.has(String(key['alg'])))
        const title = `${tcId} ${group.comment} ${comment}`
        if (result === 'invalid') t.false(accepted, title)
        if (result === 'valid' && !stricter) t.true(accepted, title)
      }
    }
    t.true(count > 10)
  })
}

/** Whether a JWS in compact form verifies with the key as a client's would; what it signs does not matter here. */
function accepts(key: z.infer<typeof members>, jws: unknown): boolean {
  if (typeof jws !== 'string') return false
  const [head = '', payload = '', tail = '', ...rest] = jws.split('.')
  const [header, signature] = [head, tail].map(strictly)
  if (!header || !signature || !strictly(payload) || rest.length > 0) return false
  const parsed = members.safeParse(json(header.toString()))
  if (!parsed.success) return false
  const checked = checkHeader(parsed.data, { algorithms: ALGORITHM_NAMES, explicitType: false })
  const shared = Object.fromEntries(Object.entries(key).filter(([name]) => !PRIVATE.has(name)))
  const rules = { algorithms: ALGORITHM_NAMES, validity: 'enforce' } as const
  const reading = readKeyHolders(aSecret('JWK', JSON.stringify(shared)), rules)
  const holder = reading.ok ? reading.holders[0] : undefined
  if (!checked.ok || !holder?.algorithms.includes(checked.alg)) return false
  const input = Buffer.from(`${head}.${payload}`)
  return verifySignature(checked.alg, holder.key, input, signature)
}

function strictly(part: string): Buffer | undefined {
  const bytes = Buffer.from(part, 'base64url')
  return bytes.toString('base64url') === part ? bytes : undefined
}

function json(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}
