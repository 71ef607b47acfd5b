/** A call took longer than it may. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeLimitError'
}

/** Whether somebody who awaits the value has to wait: a plugin may bring promises of its own make. */
export function isThenable(value: unknown): value is PromiseLike<unknown> {
  return (
    typeof value === 'object' &&
    value !== null &&
    'then' in value &&
    typeof value.then === 'function'
  )
}

/**
 * Waits for a promise for so many milliseconds, then rejects with a TimeLimitError.
 * A value that is no promise costs nothing and comes back as it is.
 */
export function withTimeLimit<T>(value: T | PromiseLike<T>, milliseconds: number): T | Promise<T> {
  if (!isThenable(value)) return value
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const timer = setTimeout(() => {
    // After a pause of the whole process the answer may be there already, unread.
    setImmediate(() => {
      reject(new TimeLimitError(`no answer in ${milliseconds} ms`))
    })
  }, milliseconds)
  value.then(resolve, reject)
  return promise.finally(() => {
    clearTimeout(timer)
  })
}
