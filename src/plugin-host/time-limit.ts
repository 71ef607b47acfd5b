/** A call took longer than it may. */
export class TimeLimitError extends Error {
  override readonly name = 'TimeLimitError'
}

/**
 * Waits for a promise for so many milliseconds, then rejects with a TimeLimitError.
 * A value that is no promise costs nothing and comes back as it is.
 */
export function withTimeLimit<T>(value: T | Promise<T>, milliseconds: number): T | Promise<T> {
  if (!(value instanceof Promise)) return value
  const { promise, resolve, reject } = Promise.withResolvers<T>()
  const timer = setTimeout(() => {
    reject(new TimeLimitError(`no answer in ${milliseconds} ms`))
  }, milliseconds)
  value.then(resolve, reject).finally(() => {
    clearTimeout(timer)
  })
  return promise
}
