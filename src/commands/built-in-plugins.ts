import { fileURLToPath } from 'node:url'

/** The folder of the plugins that come with us. */
export const builtInPlugins: string = fileURLToPath(new URL('../../plugins', import.meta.url))
