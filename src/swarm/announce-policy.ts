/** When to announce again. Pure. */
import type { Random } from '../core/random.ts'
import { type Millis, millis, minutes, seconds } from '../core/units.ts'
import { limits } from '../wire/limits.ts'

export interface AnnounceOutlook {
  /** What the tracker asked for. */
  readonly interval: Millis
  readonly minInterval: Millis | undefined
  /** We want pieces and are connected to nobody. */
  readonly isStarving: boolean
  /** Announces in a row after which that was so. */
  readonly starvingRounds: number
}

const STARVING_STEP = seconds(5)

/**
 * The tracker's interval within our bounds, and a little earlier by chance, so that those who started together
 * spread. Who has nobody to fetch from asks again after 5 s, then 10, 15 ..., but never below `min interval`.
 */
export function nextAnnounceIn(outlook: AnnounceOutlook, random: Random): Millis {
  const interval = within(outlook.interval, limits.announceIntervalMin, limits.announceIntervalMax)
  const usual = interval * (0.9 + 0.1 * random())
  if (!outlook.isStarving) return millis(usual)
  const soon = STARVING_STEP * Math.max(1, outlook.starvingRounds) * (0.8 + 0.4 * random())
  const least = within(outlook.minInterval ?? millis(0), millis(0), interval)
  return millis(Math.min(usual, Math.max(least, soon)))
}

const RETRY_FIRST = seconds(2)
const RETRY_MAX = seconds(30)

/**
 * After the `failures`th failure in a row (1, 2, ...): at most 2 s, 4 s, ... 30 s, and by chance down to half of
 * it. So a fleet whose tracker comes back is there again within 30 s, spread over 15 of them; with an announce that
 * hangs (`limits.requestTimeout`) within 45.
 */
export function retryAnnounceIn(failures: number, random: Random): Millis {
  const most = Math.min(RETRY_MAX, RETRY_FIRST * 2 ** Math.max(0, failures - 1))
  return millis(most * (0.5 + random() / 2))
}

/** A refusal without `retry in` is asked again at leisure: a renewed grant announces at once by itself. */
const REFUSED_RETRY = minutes(2)

/** BEP 31: what to do with `retry in`. `never` is taken as an hour: a revocation may be undone. */
export function retryRefusedIn(retryIn: Millis | 'never' | undefined, random: Random): Millis {
  if (retryIn === 'never') return limits.announceIntervalMax
  const asked = retryIn ?? REFUSED_RETRY
  return millis(within(asked, seconds(5), limits.announceIntervalMax) * (1 + 0.1 * random()))
}

const within = (n: Millis, min: Millis, max: Millis): Millis => millis(Math.min(max, Math.max(min, n)))
