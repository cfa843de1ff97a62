/**
 * Rate limits as people type them: `2MB`, or `2MB, mon-fri 8-18: 500kB, sat-sun: unlimited`. One rate for the usual
 * case, before or behind it rates for days, hours or both; of several that hold, the last counts.
 */
import { messageOf, ShoalError } from '../core/errors.ts'
import { parseRate } from '../core/quantity-text.ts'
import {
  DAYS_A_WEEK,
  MINUTES_A_DAY,
  type Rate,
  type RateRule,
  type RateSchedule,
} from '../core/rate-schedule.ts'
import { bytesPerSecond } from '../core/units.ts'
import { limits } from './limits.ts'

const DAYS = ['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun']
const UNLIMITED = 'unlimited'
const ALL_DAY = [0, MINUTES_A_DAY] as const
const EVERY_DAY = [0, DAYS_A_WEEK - 1] as const

const DAY = '[a-z]{3}'
const HOUR = String.raw`\d{1,2}(?::\d{2})?`
/** A colon may stand before the rate, since people write one; between days and hours stands a space. */
const ITEM = new RegExp(`^(?:(${DAY})(?:-(${DAY}))?)?(?: ?(${HOUR})-(${HOUR}))?:? (.+)$`, 'i')

/** @throws ShoalError `bad-usage` that names the part that is wrong; `over-limit`. */
export function parseRateSchedule(text: string): RateSchedule {
  if (text.length > limits.rateScheduleCharsMax)
    throw new ShoalError('over-limit', `a schedule has at most ${limits.rateScheduleCharsMax} characters`)
  let usual: { readonly rate: Rate } | undefined
  const rules: RateRule[] = []
  for (const item of text.split(',').map((part) => part.trim().replace(/\s+/g, ' '))) {
    const match = ITEM.exec(item)
    if (match?.[1] !== undefined || match?.[3] !== undefined) {
      rules.push(ruleOf(match, item))
      continue
    }
    const rate = rateOf(item)
    if (usual !== undefined)
      throw new ShoalError('bad-usage', `${quoted(item)}: a rate without days or hours is there already`)
    usual = { rate }
  }
  return { usual: usual?.rate, rules }
}

function ruleOf([, first, last, from, to, rate = '']: RegExpExecArray, item: string): RateRule {
  try {
    return {
      days: first === undefined ? EVERY_DAY : [dayOf(first), dayOf(last ?? first)],
      minutes: from === undefined || to === undefined ? ALL_DAY : hoursOf(from, to),
      rate: rateOf(rate),
    }
  } catch (error) {
    throw new ShoalError('bad-usage', `${quoted(item)}: ${messageOf(error)}`, { cause: error })
  }
}

function dayOf(text: string): number {
  const day = DAYS.indexOf(text.toLowerCase())
  if (day < 0) throw new ShoalError('bad-usage', `a day is one of ${DAYS.join(', ')}`)
  return day
}

function hoursOf(fromText: string, toText: string): readonly [number, number] {
  const from = minuteOf(fromText)
  const to = minuteOf(toText)
  // 24-6 would be 0-6 of the day after: whoever writes it means something else.
  if (from === to || from === MINUTES_A_DAY)
    throw new ShoalError('bad-usage', 'hours are from-to, such as 8-18 or 22:30-6')
  return [from, to]
}

function minuteOf(text: string): number {
  const [hour = '', minute = '0'] = text.split(':')
  const total = 60 * Number(hour) + Number(minute)
  if (Number(minute) >= 60 || total > MINUTES_A_DAY)
    throw new ShoalError('bad-usage', `${quoted(text)} is no time of the day`)
  return total
}

function rateOf(text: string): Rate {
  if (text.toLowerCase() === UNLIMITED) return undefined
  const rate = Math.floor(parseRate(text))
  if (rate > limits.siteWanBytesPerSecondMax)
    throw new ShoalError('bad-usage', `a rate is at most ${limits.siteWanBytesPerSecondMax} bytes a second`)
  return bytesPerSecond(rate)
}

const quoted = (text: string): string => JSON.stringify(text.slice(0, 40))

/** In one way of writing it, that is read as the same. */
export function formatRateSchedule({ usual, rules }: RateSchedule): string {
  return [rateText(usual), ...rules.map(ruleText)].join(', ')
}

function ruleText({ days: [first, last], minutes: [from, to], rate }: RateRule): string {
  const days = first === last ? `${DAYS[first]}` : `${DAYS[first]}-${DAYS[last]}`
  return `${days} ${timeText(from)}-${timeText(to)}: ${rateText(rate)}`
}

const rateText = (rate: Rate): string => (rate === undefined ? UNLIMITED : `${rate}B`)

const timeText = (minute: number): string =>
  `${Math.floor(minute / 60)}:${String(minute % 60).padStart(2, '0')}`
