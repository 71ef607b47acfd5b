import { closeSync, constants, fstatSync, openSync, readFileSync } from 'node:fs'

/** The text of a file, or why there is none: words that follow its name. */
export type TextReading =
  | { readonly ok: true; readonly text: string }
  | { readonly ok: false; readonly fault: string }

const FAULTS: Readonly<Record<string, string>> = {
  ENOENT: 'does not exist',
  ENOTDIR: 'does not exist',
  EACCES: 'may not be read by this user',
  EPERM: 'may not be read by this user',
  ELOOP: 'is a link that leads back to itself',
}

/** Reads a UTF-8 file of at most so many bytes, without a byte order mark. */
export function readTextFile(file: string, maxBytes: number): TextReading {
  let descriptor: number | undefined
  try {
    // Without this a named pipe would keep us waiting for somebody to write to it.
    descriptor = openSync(file, constants.O_RDONLY | constants.O_NONBLOCK)
    const status = fstatSync(descriptor)
    if (status.isDirectory()) return { ok: false, fault: 'is a folder, where a file is wanted' }
    if (!status.isFile()) return { ok: false, fault: 'is not a file' }
    if (status.size > maxBytes) return { ok: false, fault: `is larger than ${maxBytes} bytes` }
    const text = new TextDecoder('utf-8', { fatal: true }).decode(readFileSync(descriptor))
    return { ok: true, text }
  } catch (error) {
    const { code = '' } = error as NodeJS.ErrnoException
    if (code === 'ERR_ENCODING_INVALID_ENCODED_DATA')
      return { ok: false, fault: 'is not UTF-8 text' }
    return { ok: false, fault: FAULTS[code] ?? `cannot be read (${code || 'unknown error'})` }
  } finally {
    if (descriptor !== undefined) closeSync(descriptor)
  }
}
