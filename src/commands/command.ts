/** What a command may touch of the world around it. */
export interface CommandIo {
  readonly stdout: { write(text: string): unknown }
  readonly stderr: { write(text: string): unknown }
  readonly stdin: NodeJS.ReadableStream & { readonly isTTY?: boolean }
  readonly env: NodeJS.ProcessEnv
  /** Where relative paths start. */
  readonly cwd: string
  now(): Date
}

/** Did what was asked, failed at it, or was asked wrongly. */
export const EXIT = { ok: 0, failure: 1, usage: 2 } as const

/** `vouchgate NAME …`. */
export interface Command {
  readonly name: string
  /** One line for the list of commands. */
  readonly summary: string
  /** All that `--help` prints. */
  readonly usage: string
  /** @param args what stands after the name @returns the exit code */
  run(args: readonly string[], io: CommandIo): Promise<number>
}
