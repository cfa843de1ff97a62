/** The flags of rate limits, which several commands have; an origin's settings say the same, and more. */
import { Option } from 'commander'
import type { RateLimit } from '../core/rate-schedule.ts'
import type { SettingsOf } from '../platform/config.ts'
import type { seederSettings } from '../seeder/index.ts'
import { parseRateSchedule } from '../wire/rate-schedule.ts'
import type { PeerOptions } from './engine.ts'

export interface LimitFlags {
  readonly limitDown?: RateLimit
  readonly limitUp?: RateLimit
  readonly limitLan?: boolean
}

export const limitDown = new Option(
  '--limit-down <rate>',
  'at most this much in, e.g. 2MB, 20Mbit or "2MB, mon-fri 8-18: 500kB"',
).argParser(parseRateSchedule)
export const limitUp = new Option('--limit-up <rate>', 'at most this much out').argParser(parseRateSchedule)
export const limitLan = new Option(
  '--limit-lan',
  'the limits hold for machines of the same site as well, which are otherwise exempt',
)

type EngineLimitOptions = Pick<
  PeerOptions,
  'limitDown' | 'limitUp' | 'limitLan' | 'releaseLimitDown' | 'releaseLimitUp'
>

/** A flag goes before the setting of the same name. */
export function originLimits(
  flags: LimitFlags,
  settings: SettingsOf<typeof seederSettings>,
): EngineLimitOptions {
  return {
    limitDown: flags.limitDown ?? settings.limitDown,
    limitUp: flags.limitUp ?? settings.limitUp,
    limitLan: flags.limitLan ?? settings.limitLan,
    releaseLimitDown: settings.releaseLimitDown,
    releaseLimitUp: settings.releaseLimitUp,
  }
}

export const clientLimits = ({ limitDown, limitUp, limitLan }: LimitFlags): EngineLimitOptions => ({
  limitDown,
  limitUp,
  limitLan,
})
