/** A chunk of so many bytes. */
export function chunk(size: number): string {
  return `${size.toString(16)}\r\n${'x'.repeat(size)}\r\n`
}
