/** When to announce again. Pure. */
import type { Random } from '../core/random.ts'
import { type Millis, millis, minutes, seconds } from '../core/units.ts'
import { limits } from '../wire/limits.ts'

/**
 * Whom we lack: anybody at all; anybody of our own site, from whom pieces come without crossing the WAN; more of
 * either, since who came after us and cannot dial us is only to be heard of by asking; or nobody.
 */
export type PeerNeed = 'anybody' | 'neighbours' | 'more' | 'none'

export interface AnnounceOutlook {
  /** What the tracker asked for. */
  readonly interval: Millis
  readonly minInterval: Millis | undefined
  readonly need: PeerNeed
  /** Announces in a row after which we needed anybody at all. */
  readonly starvingRounds: number
  /** Since the tracker first answered. */
  readonly age: Millis
}

const STARVING_STEP = seconds(5)
/** However little a tracker asks for. */
const SOONEST = seconds(2)
/** Parts of the tracker's interval: how soon who is new asks again at first, and who has no neighbour. */
const NEW_PART = 30
const NEIGHBOURS_PART = 20
/** Of its age: so does who still has no neighbour. */
const LONELY_PART = 8

/**
 * The tracker's interval within our bounds, and a little earlier by chance, so that those who started together
 * spread. Who is new asks again after a thirtieth of the interval and then whenever its age has doubled; who has nobody
 * to fetch from, after 5 s, 10, 15 ... at the latest; who knows nobody of its site, each twentieth of it at first. Never below
 * `min interval`, nor below two seconds.
 */
export function nextAnnounceIn(outlook: AnnounceOutlook, random: Random): Millis {
  const interval = within(outlook.interval, limits.announceIntervalMin, limits.announceIntervalMax)
  const usual = interval * (0.9 + 0.1 * random())
  if (outlook.need === 'none') return millis(usual)
  const soon = soonerIn(outlook, interval) * (0.8 + 0.4 * random())
  const least = within(outlook.minInterval ?? SOONEST, SOONEST, interval)
  return millis(Math.min(usual, Math.max(least, soon)))
}

function soonerIn({ need, starvingRounds, age }: AnnounceOutlook, interval: Millis): number {
  const asNew = Math.max(interval / NEW_PART, age)
  if (need === 'more') return asNew
  if (need === 'anybody') return Math.min(asNew, STARVING_STEP * Math.max(1, starvingRounds))
  return Math.max(interval / NEIGHBOURS_PART, age / LONELY_PART)
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
