const FORM =
  /^(?<day>\d{4}-\d\d-\d\d)(?:[T ](?<time>\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?)(?<zone>Z|[+-]\d\d:?\d\d)?)?$/i

/** Reads a day or a moment; as in IdentityServer, one without a zone is UTC. @returns undefined when it is none */
export function readExpiration(text: string): Date | undefined {
  const { day, time = '00:00', zone = 'Z' } = FORM.exec(text)?.groups ?? {}
  if (day === undefined) return undefined
  const date = new Date(`${day}T${time}${zone}`)
  // The 31st of February would be taken for the 3rd of March.
  const exists = new Date(day).getUTCDate() === Number(day.slice(8))
  return exists && !Number.isNaN(date.getTime()) ? date : undefined
}
