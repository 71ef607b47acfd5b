import { z } from 'zod'

import { byteSize, port, timeLimit } from './fields.ts'
import { http2Schema } from './http2-schema.ts'

/** The TLS listener; `file` makes a path absolute. */
export function listenSchema(file: z.ZodType<string, string>) {
  return z
    .strictObject({
      host: z.string().min(1).default('0.0.0.0').describe('The address to listen on.'),
      port: port.default(8443).describe('The port to listen on; 0 takes any that is free.'),
      certificate: file.describe('PEM: our certificate and its intermediates.'),
      key: file.describe('PEM: the private key of the certificate.'),
      clientCertificates: z
        .enum(['none', 'optional', 'required'])
        .default('optional')
        .describe('Whether the TLS handshake asks for a client certificate.'),
      http2: http2Schema,
      handshakeTimeout: timeLimit.prefault('10s').describe('For the TLS handshake.'),
      headersTimeout: timeLimit
        .prefault('15s')
        .describe('For a request head to arrive whole, and for the first request of a connection.'),
      idleTimeout: timeLimit
        .prefault('2m')
        .describe(
          'Without a byte either way. Longer than the upstream may take to answer, or its callers are cut off first.',
        ),
      keepAliveTimeout: timeLimit.prefault('65s').describe('Between two requests.'),
      maxHeaderSize: byteSize
        .refine((bytes) => bytes >= 1024 && bytes <= 1024 * 1024, 'must be between 1KiB and 1MiB')
        .prefault('16KiB')
        .describe('Bytes of a request head.'),
      maxHeaders: z.int().min(10).max(1000).default(100).describe('Header lines of a request.'),
      maxConnections: z.int().min(1).max(1_000_000).default(10_000).describe('At one time.'),
      maxConnectionsPerSource: z
        .int()
        .min(1)
        .max(1_000_000)
        .default(1000)
        .describe(
          'At one time from one address; more are closed before the handshake. All behind one proxy are one.',
        ),
      maxRequestsPerConnection: z
        .int()
        .min(1)
        .max(1_000_000_000)
        .default(100_000)
        .describe(
          'Then the connection ends with the answers under way, and the client opens another.',
        ),
      drainTimeout: timeLimit.prefault('25s').describe('For requests under way when we stop.'),
    })
    .describe('The TLS listener.')
}
