/**
 * When everything is out once, sites that still lack much are shown more, as long as that makes them faster. A site
 * whose own link is full gains nothing from it, and every byte would be one that another peer sends as well: then it
 * is left alone again, for longer each time.
 */
import { type Millis, millis, seconds } from '../../core/units.ts'
import type { RevealPeer } from './host.ts'
import type { SiteFeed } from './site-feed.ts'

/** A site that takes in this share of the most that it ever did is doing well. */
const DOING_WELL = 0.7
/** A rate is one only when it has been seen for so long: the first piece comes as if in no time. */
const WARM_UP = seconds(2)
const TRIED_FOR = seconds(3)
/** Less than this is chance. */
const GAIN_MIN = 1.15
/** What a site could take in within so long costs little: a slow one need not prove that it gains by it. */
const TAIL_S = 1
const PAUSE_FIRST = seconds(4)
const PAUSE_MAX = seconds(64)

interface Trial {
  /** When the first bytes came in. */
  beganAt: Millis | undefined
  /** What it takes in, and the most that it ever did. */
  rateBps: number
  bestBps: number
  isOn: boolean
  /** When it was switched on, or may be again. */
  at: Millis
  rateBefore: number
  pause: Millis
}

export class Assist<P extends RevealPeer> {
  readonly #pieceLength: number
  readonly #trials = new WeakMap<SiteFeed<P>, Trial>()

  constructor(pieceLength: number) {
    this.#pieceLength = pieceLength
  }

  isOn(site: SiteFeed<P>): boolean {
    const trial = this.#trials.get(site)
    if (trial === undefined) return false
    const isTail = site.missing * this.#pieceLength <= TAIL_S * trial.bestBps
    return trial.isOn || (isTail && isSlow(trial))
  }

  tick(sites: Iterable<SiteFeed<P>>, isAllOut: boolean, now: Millis): void {
    for (const site of sites) {
      const rate = site.intake.rate(now)
      const trial = this.#trials.get(site) ?? newTrial(now)
      if (rate > 0) trial.beganAt ??= now
      if (trial.beganAt !== undefined && now - trial.beganAt >= WARM_UP)
        trial.bestBps = Math.max(trial.bestBps, rate)
      trial.rateBps = rate
      this.#trials.set(site, trial)
      if (!isAllOut) trial.isOn = false
      else if (trial.isOn) judge(trial, rate, now)
      else if (now >= trial.at && isSlow(trial))
        Object.assign(trial, { isOn: true, at: now, rateBefore: rate })
    }
  }
}

function newTrial(now: Millis): Trial {
  return {
    beganAt: undefined,
    rateBps: 0,
    bestBps: 0,
    isOn: false,
    at: now,
    rateBefore: 0,
    pause: PAUSE_FIRST,
  }
}

const isSlow = ({ rateBps, bestBps }: Trial): boolean => rateBps < DOING_WELL * bestBps + 1

function judge(trial: Trial, rate: number, now: Millis): void {
  if (now - trial.at < TRIED_FOR) return
  if (rate > trial.rateBefore * GAIN_MIN) {
    trial.at = now
    return
  }
  trial.isOn = false
  trial.at = millis(now + trial.pause)
  trial.pause = millis(Math.min(PAUSE_MAX, 2 * trial.pause))
}
