import type { Client } from './connect-client.ts'

/**
 * What the server's settings mean for us, as far as it tells: one line each.
 * Nothing when this user may not ask.
 */
export async function serverNotes(client: Client): Promise<readonly string[]> {
  let info: string
  try {
    info = `${await client.info('memory')}\n${await client.info('persistence')}`
  } catch {
    return []
  }
  const fields = new Map(
    info.split(/\r?\n/).flatMap((line) => {
      const colon = line.indexOf(':')
      return colon < 0 ? [] : [[line.slice(0, colon), line.slice(colon + 1)] as const]
    }),
  )
  const policy = fields.get('maxmemory_policy')
  return [
    ...(policy !== undefined && policy !== 'noeviction' && fields.get('maxmemory') !== '0'
      ? [
          `Redis drops keys when its memory is full (maxmemory-policy ${policy}): ` +
            'used assertions and revoked tokens would count again; set noeviction',
        ]
      : []),
    ...(fields.get('aof_enabled') === '0'
      ? [
          'Redis keeps no append-only file: when it restarts it forgets the latest revocations ' +
            'and used assertions; set appendonly yes',
        ]
      : []),
  ]
}
