import type { ChildProcess } from 'node:child_process'

/** What node:cluster says of a connection, and the worker of having taken it. */
interface ClusterMessage {
  readonly act?: unknown
  readonly seq?: unknown
  readonly ack?: unknown
}

/**
 * Closes the connections that a worker was handed and has not taken when it ends. node:cluster forgets them: the client
 * would wait for ever, and the descriptor be lost. It tells nobody of them, so what it sends is looked at; a Node that
 * sends something else only brings the loss back.
 */
export function closeUntaken(worker: ChildProcess): void {
  const handed = new Map<unknown, { close(): void }>()
  const { send } = worker
  worker.send = (...sent: readonly unknown[]) => {
    const [message, handle] = sent as [ClusterMessage, { close(): void } | undefined]
    if (message.act === 'newconn' && handle) handed.set(message.seq, handle)
    return Reflect.apply(send, worker, sent) as boolean
  }
  worker.on('internalMessage', ({ ack }: ClusterMessage) => handed.delete(ack))
  worker.once('exit', () => {
    for (const handle of handed.values()) handle.close()
    handed.clear()
  })
}
