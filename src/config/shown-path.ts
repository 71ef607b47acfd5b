import path from 'node:path'

/** A path as a person at a terminal would write it: from where they are, unless it leads out of there. */
export function shownPath(file: string, cwd: string): string {
  const relative = path.relative(cwd, file)
  return relative === '' || relative.startsWith('..') ? file : relative
}
