import type {
  Credential,
  Malformed,
  Parser,
  RelayedConnection,
  SecretInspection,
  Slots,
  Validator,
} from '#contract'

import { isThenable } from './time-limit.ts'

/**
 * A part that keeps the promises of its slot: what a plugin returns in breach of them becomes an exception,
 * which denies, or a fault. Parts whose callers check each answer anyway are returned as they are.
 */
export function guardPart<S extends keyof Slots>(slot: S, part: Slots[S]): Slots[S] {
  const guard = GUARDS[slot]
  return guard ? guard(part) : part
}

const GUARDS: { readonly [S in keyof Slots]?: (part: Slots[S]) => Slots[S] } = {
  parsers: guardParser,
  validators: guardValidator,
}

function guardParser(part: Parser): Parser {
  const { method, produces, advertises, ambient, challenge, privateHeaders } = part
  return {
    method,
    produces,
    ...(advertises && { advertises }),
    ...(ambient !== undefined && { ambient }),
    ...(challenge !== undefined && { challenge }),
    ...(privateHeaders && { privateHeaders }),
    ...(part.behindProxy && {
      behindProxy(request) {
        const said: unknown = part.behindProxy?.(request)
        if (said === undefined || isMalformed(said) || isRelayed(said)) return said
        throw new TypeError('returned neither what a proxy says nor what is malformed')
      },
    }),
    parse(request) {
      const seen: unknown = part.parse(request)
      if (seen === undefined || isMalformed(seen) || isCredential(seen, produces)) return seen
      throw new TypeError(
        isThenable(seen)
          ? 'returned a promise; a parser has to answer at once'
          : `returned neither a credential of kind ${produces} nor what is malformed`,
      )
    },
  }
}

function isRelayed(said: unknown): said is RelayedConnection {
  if (typeof said !== 'object' || said === null || isThenable(said)) return false
  const { peer, malformed } = said as { readonly peer?: unknown; readonly malformed?: unknown }
  return malformed === undefined && (peer === undefined || (typeof peer === 'object' && !!peer))
}

const REASON = /^[a-z0-9]+([-/][a-z0-9]+)*$/

function isMalformed(seen: unknown): seen is Malformed {
  if (typeof seen !== 'object' || seen === null || !('malformed' in seen)) return false
  const { malformed } = seen
  return typeof malformed === 'string' && malformed.length <= 100 && REASON.test(malformed)
}

function isCredential(seen: unknown, kind: string): seen is Credential {
  if (typeof seen !== 'object' || seen === null) return false
  const {
    kind: own,
    claimedClientId: id,
    lookupKeys: keys,
    alternative,
  } = seen as Partial<Credential>
  const isNamed = typeof id === 'string' || (id === undefined && Array.isArray(keys))
  return own === kind && isNamed && (alternative === undefined || isCredential(alternative, kind))
}

function guardValidator(part: Validator): Validator {
  const { accepts, secretTypes, secretProperties, advertises, signingAlgorithms, decoys } = part
  return {
    accepts,
    secretTypes,
    ...(secretProperties && { secretProperties }),
    ...(advertises && { advertises }),
    ...(signingAlgorithms && { signingAlgorithms }),
    ...(decoys && { decoys }),
    inspect(secret) {
      try {
        const found: unknown = part.inspect?.(secret) ?? {}
        return isInspection(found)
          ? found
          : { fault: 'the plugin that checks it said nothing of use' }
      } catch (error) {
        const reason = error instanceof Error ? error.message : 'it threw'
        return { fault: `the plugin that checks it failed: ${reason}` }
      }
    },
    validate: (attempt) => part.validate(attempt),
  }
}

function isInspection(found: unknown): found is SecretInspection {
  if (typeof found !== 'object' || found === null || isThenable(found)) return false
  const {
    fault,
    warning,
    lookupKeys = [],
  } = found as Partial<Record<keyof SecretInspection, unknown>>
  const isText = (value: unknown) => value === undefined || typeof value === 'string'
  return isText(fault) && isText(warning) && Array.isArray(lookupKeys) && lookupKeys.every(isText)
}
