import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { fileURLToPath } from 'node:url'

export const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** A Markdown file. */
export interface Page {
  /** Relative to the root. */
  readonly name: string
  readonly text: string
  readonly blocks: readonly Block[]
}

/** A fenced block: ` ```yaml vouchgate.yaml more `. */
export interface Block {
  /** `docs/clients.md:12`. */
  readonly at: string
  readonly language: string
  /** What the block is to stand for; empty when it says nothing. */
  readonly file: string
  /** It adds to the block of that file before it on the page. */
  readonly more: boolean
  /** Only a part of something: it cannot be loaded. */
  readonly excerpt: boolean
  /** It goes with the settings that stand before it on the page. */
  readonly withSettings: boolean
  readonly text: string
}

const FENCE = /^(?<indent> *)```(?<info>[^\n`]*)\n(?<text>.*?)^\k<indent>```$/gms

/** Every page for readers: those of the root and those of `docs/`. */
export function pages(): readonly Page[] {
  const inRoot = readdirSync(ROOT).filter((name) => name.endsWith('.md'))
  const inDocs = readdirSync(path.join(ROOT, 'docs')).filter((name) => name.endsWith('.md'))
  return [...inRoot, ...inDocs.map((name) => `docs/${name}`)].map(readPage)
}

export function readPage(name: string): Page {
  const text = readFileSync(path.join(ROOT, name), 'utf8')
  const blocks = [...text.matchAll(FENCE)].map((match): Block => {
    const { indent = '', info = '', text: inner = '' } = match.groups ?? {}
    const [language = '', ...words] = info.trim().split(/ +/)
    const marks = new Set(['more', 'excerpt', 'with-settings'])
    return {
      at: `${name}:${text.slice(0, match.index).split('\n').length}`,
      language,
      file: words.find((word) => !marks.has(word)) ?? '',
      more: words.includes('more'),
      excerpt: words.includes('excerpt'),
      withSettings: words.includes('with-settings'),
      text: inner.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    }
  })
  return { name, text, blocks }
}

/** The page without its fenced blocks. */
export function proseOf({ text }: Page): string {
  return text.replaceAll(FENCE, '')
}

/** The anchors of the headings, as GitHub makes them. */
export function anchorsOf(page: Page): ReadonlySet<string> {
  const headings = proseOf(page).matchAll(/^#{1,6} (.+)$/gm)
  return new Set(
    [...headings].map(([, title = '']) =>
      title
        .toLowerCase()
        .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
        .replaceAll(' ', '-'),
    ),
  )
}

/** The text of the first block of a page that stands for a file, with all that adds to it. @throws when there is none */
export function exampleOf(page: Page, file: string): string {
  const parts = page.blocks.filter((block) => block.file === file)
  if (parts.length === 0) throw new Error(`${page.name} has no example of ${file}`)
  return parts
    .filter(({ more }, index) => index === 0 || more)
    .map(({ text }) => text)
    .join('')
}
