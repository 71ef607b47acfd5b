/** Text of others for a log line: visible ASCII, cut short. */
export function printable(text: string): string {
  return text.slice(0, 200).replace(/[^\x20-\x7e]/g, '?')
}
