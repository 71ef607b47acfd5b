/** Leaves the reading of a name: what is wrong, and at which character (counted from 0). */
export class NameFault extends Error {
  override readonly name = 'NameFault'
  readonly at: number

  constructor(at: number, message: string) {
    super(message)
    this.at = at
  }
}
