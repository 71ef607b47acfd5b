import type { Plugin, PluginHost } from '#contract'

import { aHost } from './build.ts'

/** Checks the options of a plugin as the host does, and sets it up. @throws what is wrong with the options */
export async function setUp<Part, Options>(
  plugin: Plugin<Part, Options>,
  options: unknown = {},
  host: PluginHost = aHost(),
): Promise<Part> {
  const result = await plugin.options?.['~standard'].validate(options)
  if (result?.issues) throw new TypeError(result.issues.map(({ message }) => message).join('; '))
  // Without a schema the options are `undefined`, as the contract says.
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion
  return await plugin.setup((result?.value ?? undefined) as Options, host)
}
