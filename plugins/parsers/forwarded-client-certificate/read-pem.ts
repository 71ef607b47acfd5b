const BEGIN = '-----BEGIN CERTIFICATE-----'
const END = '-----END CERTIFICATE-----'
const BASE64 = /^[A-Za-z0-9+/]+={0,2}$/

/** @returns the base64 of each certificate; `[undefined]` when there is anything else */
export function readPem(text: string): readonly (string | undefined)[] {
  const blocks = text.split(END)
  const after = blocks.pop()
  if (blocks.length === 0 || after?.trim() !== '') return [undefined]
  return blocks.map((block) => {
    const trimmed = block.trimStart()
    if (!trimmed.startsWith(BEGIN)) return undefined
    const base64 = trimmed.slice(BEGIN.length).replaceAll(/[\r\n]/g, '')
    return BASE64.test(base64) ? base64 : undefined
  })
}
