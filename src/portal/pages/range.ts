/** A range of time as it stands in an address: `24h`, `7d`, `30d`, or `2026-11-01..2026-11-26`, both days included. */
import { ShoalError } from '../../core/errors.ts'
import { hours } from '../../core/units.ts'
import { limits } from '../../wire/limits.ts'
import type { Range } from '../figures/figures.ts'

const DAY = hours(24)

export const RANGES = [
  { name: '24h', text: '24 hours', length: DAY },
  { name: '7d', text: '7 days', length: hours(7 * 24) },
  { name: '30d', text: '30 days', length: hours(30 * 24) },
] as const
const USUAL = RANGES[1]

export interface NamedRange extends Range {
  /** As it stands in the address. */
  readonly name: string
  /** What was delivered … */
  readonly text: string
  /** Its first and last day, for the form. */
  readonly firstDay: string
  readonly lastDay: string
}

/** Pure. @throws ShoalError `bad-input` for what is no range. */
export function rangeOf(name: string, now: number): NamedRange {
  const known = name === '' ? USUAL : RANGES.find((range) => range.name === name)
  if (known !== undefined) {
    const from = now - known.length
    return {
      name: known.name,
      text: `in the last ${known.text}`,
      from,
      to: now + 1,
      firstDay: dayOf(from),
      lastDay: dayOf(now),
    }
  }
  const [, first = '', last = ''] = /^(\d{4}-\d\d-\d\d)\.\.(\d{4}-\d\d-\d\d)$/.exec(name) ?? []
  const [from, to] = [Date.parse(first), Date.parse(last) + DAY]
  const isRange = from < to && to - from <= limits.figureDaysMax * DAY && dayOf(from) === first
  if (!isRange) throw new ShoalError('bad-input', 'such a range is not understood')
  const text = first === last ? `on ${first}` : `from ${first} to ${last}`
  return { name, text, from, to, firstDay: first, lastDay: last }
}

const dayOf = (time: number): string => new Date(time).toISOString().slice(0, 10)
