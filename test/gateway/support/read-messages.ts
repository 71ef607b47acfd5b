/** An HTTP/1.1 message as it stood on the wire. */
export interface Message {
  readonly startLine: string
  readonly method: string
  readonly target: string
  /** 0 in a request. */
  readonly status: number
  /** Name and value in turn, names as they were sent. */
  readonly headers: readonly string[]
  readonly body: string
  /** All values of a name given in lower case. */
  values(name: string): string[]
}

export interface Messages {
  readonly messages: Message[]
  /** What follows the last whole message. */
  readonly rest: string
}

/**
 * Cuts a byte string (latin1) into messages by RFC 9112, forgiving nothing: throws when a head is
 * not exactly what the grammar says or has two framings. `answersTo`: the methods of the requests,
 * for answers without a body.
 */
export function readMessages(bytes: string, answersTo?: readonly string[]): Messages {
  const messages: Message[] = []
  let rest = bytes
  for (;;) {
    const end = rest.indexOf('\r\n\r\n')
    if (end === -1) return { messages, rest }
    const head = readHead(rest.slice(0, end))
    const finals = messages.filter(({ status }) => status === 0 || status >= 200).length
    const bodiless =
      answersTo?.[finals] === 'HEAD' || [204, 304].includes(head.status) || isInterim(head.status)
    const framed = bodiless ? { body: '', length: 0 } : readBody(head, rest.slice(end + 4))
    if (framed === undefined) return { messages, rest }
    messages.push({ ...head, body: framed.body })
    rest = rest.slice(end + 4 + framed.length)
  }
}

function isInterim(status: number): boolean {
  return status >= 100 && status < 200
}

function readHead(head: string): Omit<Message, 'body'> {
  const [startLine = '', ...lines] = head.split('\r\n')
  const request = /^([A-Z-]+) (\/[!-~]*) HTTP\/1\.1$/.exec(startLine)
  const response = /^HTTP\/1\.1 ([1-5][0-9][0-9]) [ -~]*$/.exec(startLine)
  if (request === null && response === null) {
    throw new Error(`not a start line: ${JSON.stringify(startLine)}`)
  }
  const headers = lines.flatMap((line) => {
    const field = /^([!#$%&'*+\-.^_`|~0-9A-Za-z]+): ?([\t\x20-\x7e\x80-\xff]*)$/.exec(line)
    if (field === null) throw new Error(`not a header line: ${JSON.stringify(line)}`)
    return [field[1] ?? '', field[2] ?? '']
  })
  const values = (name: string): string[] =>
    headers.filter((_, i) => i % 2 === 1 && headers[i - 1]?.toLowerCase() === name)
  return {
    startLine,
    method: request?.[1] ?? '',
    target: request?.[2] ?? '',
    status: Number(response?.[1] ?? 0),
    headers,
    values,
  }
}

/** The body and how many bytes it takes on the wire; undefined when it is not whole yet. */
function readBody(
  head: Omit<Message, 'body'>,
  bytes: string,
): { body: string; length: number } | undefined {
  const lengths = head.values('content-length')
  const codings = head.values('transfer-encoding')
  if (lengths.length + codings.length > 1) throw new Error('more than one framing')
  const [coding] = codings
  if (coding !== undefined) {
    if (coding !== 'chunked') throw new Error(`transfer coding ${coding}`)
    return readChunks(bytes)
  }
  const length = lengths[0] ?? '0'
  if (!/^(?:0|[1-9][0-9]*)$/.test(length)) throw new Error(`content length ${length}`)
  if (bytes.length < Number(length)) return undefined
  return { body: bytes.slice(0, Number(length)), length: Number(length) }
}

function readChunks(bytes: string): { body: string; length: number } | undefined {
  let body = ''
  for (let at = 0; ;) {
    const end = bytes.indexOf('\r\n', at)
    if (end === -1) return undefined
    const size = bytes.slice(at, end)
    if (!/^[0-9a-f]+$/i.test(size)) throw new Error(`chunk size ${JSON.stringify(size)}`)
    const from = end + 2
    const to = from + Number.parseInt(size, 16)
    if (bytes.length < to + 2) return undefined
    if (bytes.slice(to, to + 2) !== '\r\n') throw new Error('a chunk without an end')
    if (to === from) return { body, length: to + 2 }
    body += bytes.slice(from, to)
    at = to + 2
  }
}
