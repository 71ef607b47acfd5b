import type { Fault } from '../errors.ts'
import type { CommandIo } from './command.ts'

/** One line a fault, for a person at a terminal. */
export function printFaults(faults: readonly Fault[], { stderr }: CommandIo): void {
  for (const { at, message, severity } of faults) {
    stderr.write(`${severity === 'note' ? 'note: ' : ''}${at}: ${message}\n`)
  }
}
