import { z } from 'zod'

const MILLISECONDS: Readonly<Record<string, number>> = { ms: 1, s: 1000, m: 60_000 }
const DURATION = /^(\d{1,5})(ms|s|m)$/
const NO_DURATION = 'is not a duration; write 500ms or 2s'

const timeLimit = z
  .string({ error: NO_DURATION })
  .regex(DURATION, NO_DURATION)
  .transform((text) => {
    const [, count, unit = ''] = DURATION.exec(text) ?? []
    return Number(count) * (MILLISECONDS[unit] ?? 1)
  })
  .refine((limit) => limit >= 10 && limit <= 60_000, 'must be between 10ms and 1m')

const ELSEWHERE = 'must be kept elsewhere; write { env: NAME } or { file: path }'

/** Where the password is. It is read anew at each connection, so that it can be changed while we run. */
const password = z.union(
  [z.strictObject({ env: z.string().min(1) }), z.strictObject({ file: z.string().min(1) })],
  { error: ELSEWHERE },
)

export type PasswordReference = z.infer<typeof password>

const file = z.string().min(1)

const tls = z
  .strictObject({
    /** PEM: the authorities that may vouch for the server; absent: those that Node knows. */
    ca: file.optional(),
    /** PEM: our certificate and its key, when the server asks for one. */
    certificate: file.optional(),
    key: file.optional(),
    /** The name that the server's certificate must have; absent: the host. */
    servername: z.string().min(1).optional(),
  })
  .refine(
    (given) => (given.certificate === undefined) === (given.key === undefined),
    'certificate and key go together',
  )

export const options = z
  .strictObject({
    host: z.string().min(1).default('127.0.0.1'),
    port: z.int().min(1).max(65_535).default(6379),
    /** A Unix socket; host and port do not count then. */
    socket: file.optional(),
    database: z.int().min(0).max(10_000).default(0),
    /** The ACL user; absent: the default user. */
    username: z.string().min(1).optional(),
    password: password.optional(),
    tls: z
      .union([z.boolean(), tls], { error: 'must be true or { ca, certificate, key, servername }' })
      .transform((given) => (given === true ? {} : given))
      .default(false),
    /** Begins every key and channel, so that several can live in one Redis. */
    keyPrefix: z.string().max(100).default('vouchgate:'),
    connectTimeout: timeLimit.prefault('2s'),
    /** Under the time limit of plugins, so that a claim that cannot be made is known as such. */
    commandTimeout: timeLimit.prefault('500ms'),
    /** Commands under way at once; one more fails. */
    maxPending: z.int().min(1).max(100_000).default(1000),
  })
  .refine((given) => given.socket === undefined || given.tls === false, {
    path: ['tls'],
    message: 'makes no sense on a Unix socket',
  })
  .prefault({})

export type Options = z.infer<typeof options>
