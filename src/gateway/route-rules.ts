import type { Settings } from '../config/settings-schema.ts'
import { compileRewrite } from './rewrite/rewrite.ts'
import type { RouteRule } from './routes.ts'

/** `routes` as they are written → rules, with all compiled that can be. */
export function routeRules(routes: Settings['routes']): readonly RouteRule[] {
  return routes.map(({ rewrite, ...rule }) => ({
    ...rule,
    ...(rewrite && { rewrite: compileRewrite(rewrite) }),
  }))
}
