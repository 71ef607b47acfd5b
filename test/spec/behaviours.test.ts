import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

import test from 'ava'

import { corporaFolder } from '../corpora/x509-corpus.ts'
import { assertionChecks } from './behaviours/assertion.ts'
import { basicChecks } from './behaviours/basic.ts'
import { boundChecks } from './behaviours/bound.ts'
import type { Checks } from './behaviours/checks.ts'
import { introspectionChecks } from './behaviours/introspection.ts'
import { mtlsChecks } from './behaviours/mtls.ts'
import { postChecks } from './behaviours/post.ts'
import { secretChecks } from './behaviours/secret.ts'
import { tokenChecks } from './behaviours/token.ts'

/** How clients are to be authenticated, as facts that were read from other systems and from the RFCs. */
interface Fact {
  readonly id: string
  readonly area: string
  readonly given: string
  readonly when: string
}

const AREAS: Readonly<Record<string, Checks>> = {
  basic: basicChecks,
  post: postChecks,
  secret: secretChecks,
  mtls: mtlsChecks,
  bound: boundChecks,
  pkjwt: assertionChecks,
  'pkjwt-aud': assertionChecks,
  token: tokenChecks,
  introspection: introspectionChecks,
}

/** Facts whose check does not say quite what the fact says, and why. */
const REINTERPRETED: Readonly<Record<string, string>> = {
  'ca-025': 'no registered id is longer than 100 characters, so only the secret reaches its limit',
  'ca-027': 'no registered id is longer than 100 characters, so only the secret reaches its limit',
  'ca-053': 'configurable: a client may use any method unless its definition names some',
  'ca-077': 'configurable: the client is found by its name unless several registered it',
  'ca-083': 'keys are registered, not fetched: the certificate is rotated by a reload',
  'ca-096': 'an assertion of a type that nobody reads is malformed, whoever else might be proven',
  'ca-134': 'of 50 uses one succeeds; it is the other 49 that are refused',
  'ca-138': 'there is no client_secret_jwt: neither a secret’s client nor HS256 gets in',
  'ca-140': 'the issuer alone is the audience, so that of any endpoint is another’s',
}

const file = path.join(corporaFolder, 'client-auth', 'behaviours.json')

if (existsSync(file)) {
  const facts = JSON.parse(readFileSync(file, 'utf8')) as readonly Fact[]
  const ours = facts.filter(({ area }) => area in AREAS)

  test('every fact has its check, and no check is left over', (t) => {
    const checks = new Set(Object.values(AREAS).flatMap((one) => Object.keys(one)))
    t.deepEqual([...checks].toSorted(), ours.map(({ id }) => id).toSorted())
    t.deepEqual(
      Object.keys(REINTERPRETED).filter((id) => !checks.has(id)),
      [],
    )
  })

  for (const { id, area, given, when } of ours) {
    const check = AREAS[area]?.[id]
    // One after the other: each has sidecars of its own, and all at once would starve one another.
    if (check) test.serial(`${id} ${area}: ${given}; ${when}`, check)
  }
} else if (process.env['CI'] === undefined) {
  test.skip('the behaviours of the corpora (the folder is not there; set VOUCHGATE_CORPORA)', () =>
    undefined)
} else {
  test('the behaviours of the corpora are there', (t) => {
    t.fail(`${file} must be there when CI is set`)
  })
}
