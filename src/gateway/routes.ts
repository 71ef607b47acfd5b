import { pathFold } from './canonical-path.ts'
import type { Rewrite } from './rewrite/rewrite.ts'
import { checkRoutePattern, parseRoutePattern } from './route-pattern.ts'

/** What is demanded of a request for some paths. */
export interface RouteRule {
  /** A pattern; see `checkRoutePattern`. */
  readonly path: string
  /** Absent: every method. GET includes HEAD. */
  readonly methods?: readonly string[] | undefined
  /** True: no proof is asked for. */
  readonly public?: boolean | undefined
  readonly scopes?: readonly string[] | undefined
  /** True: the upstream may see the `Authorization` header. */
  readonly forwardAuthorization?: boolean | undefined
  /** The name of the upstream; absent: the one that has none. */
  readonly upstream?: string | undefined
  /** Bytes of a body; absent: what holds for all. */
  readonly maxBody?: number | undefined
  readonly rewrite?: Rewrite | undefined
}

/** `none`: no rule speaks of the path. `method`: rules do, but none of them admits the method. */
export type RouteMatch =
  | { readonly kind: 'rule'; readonly rule: RouteRule }
  | { readonly kind: 'none' }
  | { readonly kind: 'method'; readonly allow: readonly string[] }

export interface Routes {
  /**
   * `path` is one that `readRequestTarget` let through. The first rule in order whose pattern fits
   * decides the pattern; only rules with this same pattern are asked for the method, so no laxer
   * rule below ever answers.
   */
  match(method: string, path: string): RouteMatch
}

export interface RouteOptions {
  /** For upstreams that do not tell upper from lower case in paths. ASCII letters only. */
  readonly ignoreCase?: boolean
  /** For upstreams that serve `/a` and `/a/` alike. */
  readonly ignoreTrailingSlash?: boolean
}

/** All rules of one pattern. */
interface Leaf {
  readonly order: number
  readonly byMethod: Map<string, RouteMatch>
  otherwise: RouteMatch | undefined
}

interface Node {
  /** The smallest order of any leaf at or below: nothing here can win against a smaller one. */
  least: number
  readonly texts: Map<string, Node>
  any: Node | undefined
  rest: Leaf | undefined
  end: Leaf | undefined
}

type TextFunction = (text: string) => string

const NONE: RouteMatch = { kind: 'none' }

/**
 * Compiles rules, in order of precedence. Throws a TypeError on a pattern that `checkRoutePattern`
 * refuses. A match visits each node of the tree at most once, whatever the path, and in practice a
 * few.
 */
export function compileRoutes(rules: readonly RouteRule[], options: RouteOptions = {}): Routes {
  const { fold, trim } = comparison(options)
  const root = newNode()
  for (const [order, rule] of rules.entries()) {
    const fault = checkRoutePattern(rule.path)
    if (fault !== undefined) throw new TypeError(`route "${rule.path}": ${fault}`)
    addRule(leafFor(root, trim(rule.path), fold, order), rule)
  }
  return {
    match(method, path) {
      const leaf = find(root, fold(trim(path)), 1, undefined)
      if (leaf === undefined) return NONE
      return leaf.byMethod.get(method) ?? leaf.otherwise ?? methodRefusal(leaf)
    },
  }
}

function find(node: Node, path: string, at: number, found: Leaf | undefined): Leaf | undefined {
  let best = earlier(node.rest, found)
  if (at > path.length) return earlier(node.end, best)
  const slash = path.indexOf('/', at)
  const stop = slash === -1 ? path.length : slash
  const text = node.texts.get(path.slice(at, stop))
  const any = stop > at ? node.any : undefined
  const textFirst = (text?.least ?? Infinity) < (any?.least ?? Infinity)
  const [first, second] = textFirst ? [text, any] : [any, text]
  if (first !== undefined && first.least < (best?.order ?? Infinity)) {
    best = find(first, path, stop + 1, best)
  }
  if (second !== undefined && second.least < (best?.order ?? Infinity)) {
    best = find(second, path, stop + 1, best)
  }
  return best
}

function earlier(leaf: Leaf | undefined, other: Leaf | undefined): Leaf | undefined {
  return leaf === undefined || (other !== undefined && other.order < leaf.order) ? other : leaf
}

function leafFor(root: Node, pattern: string, fold: TextFunction, order: number): Leaf {
  let node = root
  node.least = Math.min(node.least, order)
  for (const segment of parseRoutePattern(pattern)) {
    if ('rest' in segment) return (node.rest ??= newLeaf(order))
    node = 'any' in segment ? (node.any ??= newNode()) : childFor(node.texts, fold(segment.text))
    node.least = Math.min(node.least, order)
  }
  return (node.end ??= newLeaf(order))
}

function addRule(leaf: Leaf, rule: RouteRule): void {
  if (leaf.otherwise !== undefined) return
  const match: RouteMatch = { kind: 'rule', rule }
  if (rule.methods === undefined) {
    leaf.otherwise = match
    return
  }
  for (const name of rule.methods) {
    const method = name.toUpperCase()
    for (const admitted of method === 'GET' ? ['GET', 'HEAD'] : [method]) {
      if (!leaf.byMethod.has(admitted)) leaf.byMethod.set(admitted, match)
    }
  }
}

function methodRefusal(leaf: Leaf): RouteMatch {
  return { kind: 'method', allow: [...leaf.byMethod.keys()] }
}

/** How texts are made equal before they are compared; the same for patterns and for paths. */
function comparison(options: RouteOptions): { fold: TextFunction; trim: TextFunction } {
  return {
    fold: pathFold(options.ignoreCase === true),
    trim:
      options.ignoreTrailingSlash === true
        ? (path) => (path.length > 1 && path.endsWith('/') ? path.slice(0, -1) : path)
        : (path) => path,
  }
}

function childFor(children: Map<string, Node>, text: string): Node {
  const known = children.get(text)
  if (known !== undefined) return known
  const child = newNode()
  children.set(text, child)
  return child
}

function newNode(): Node {
  return { least: Infinity, texts: new Map(), any: undefined, rest: undefined, end: undefined }
}

function newLeaf(order: number): Leaf {
  return { order, byMethod: new Map(), otherwise: undefined }
}
