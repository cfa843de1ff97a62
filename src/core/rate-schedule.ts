/** A rate limit by the hours of the week. Deciding which rate holds at a moment is a pure function of the wall clock. */
import type { BytesPerSecond } from './units.ts'

/** What a clock on the wall shows. Where it is put forward or back, hours are missing or come twice, as on the wall. */
export interface WallTime {
  /** 0 is Monday, 6 Sunday. */
  readonly day: number
  /** Since midnight, 0..1439. */
  readonly minute: number
}

/** Undefined: no limit. */
export type Rate = BytesPerSecond | undefined

export interface RateRule {
  /** First and last day, 0..6; the first may be the later one: `sat-mon`. */
  readonly days: readonly [number, number]
  /** From the first minute to before the last, 0..1440; an end before the start is on the next day. */
  readonly minutes: readonly [number, number]
  readonly rate: Rate
}

export interface RateSchedule {
  /** When no rule holds. */
  readonly usual: Rate
  /** The last one that holds counts. */
  readonly rules: readonly RateRule[]
}

/** What options of the engine take: one rate for all times is the commonest schedule. */
export type RateLimit = BytesPerSecond | RateSchedule

export const DAYS_A_WEEK = 7
export const MINUTES_A_DAY = 1_440

export const NO_LIMIT: RateSchedule = { usual: undefined, rules: [] }

export function scheduleOf(limit: RateLimit | undefined): RateSchedule {
  return typeof limit === 'object' ? limit : { usual: limit, rules: [] }
}

/** The rate that holds at `at`; undefined: none does, everything may pass. */
export function scheduleRate({ usual, rules }: RateSchedule, at: WallTime): Rate {
  const rule = rules.findLast((one) => holds(one, at))
  return rule === undefined ? usual : rule.rate
}

function holds({ days, minutes: [from, to] }: RateRule, { day, minute }: WallTime): boolean {
  if (from < to) return isWithin(days, day) && from <= minute && minute < to
  // Hours past midnight are those of the day on which they began.
  const dayBefore = (day + DAYS_A_WEEK - 1) % DAYS_A_WEEK
  return minute >= from ? isWithin(days, day) : minute < to && isWithin(days, dayBefore)
}

const isWithin = ([first, last]: readonly [number, number], day: number): boolean =>
  first <= last ? first <= day && day <= last : day >= first || day <= last
