const broken = new WeakSet<Error>()

/** Remembers that this error ended a connection on which an answer had been received before. */
export function brokeKeptConnection(error: Error): void {
  broken.add(error)
}

/** Whether the error says that a connection ended on which an answer had been received before. */
export function isKeptConnection(error: Error): boolean {
  if (broken.has(error)) return true
  // undici's own errors know their socket
  const { socket } = error as { socket?: { readonly bytesRead?: number } }
  return (socket?.bytesRead ?? 0) > 0
}
