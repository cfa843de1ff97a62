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
const TRIED_FOR = seconds(3)
/** Less than this is chance. */
const GAIN_MIN = 1.15
const PAUSE_FIRST = seconds(4)
const PAUSE_MAX = seconds(64)

interface Trial {
  isOn: boolean
  /** When it was switched on, or may be again. */
  at: Millis
  rateBefore: number
  pause: Millis
}

export class Assist<P extends RevealPeer> {
  readonly #trials = new WeakMap<SiteFeed<P>, Trial>()

  isOn(site: SiteFeed<P>): boolean {
    return this.#trials.get(site)?.isOn === true
  }

  tick(sites: Iterable<SiteFeed<P>>, isAllOut: boolean, now: Millis): void {
    for (const site of sites) {
      const rate = site.intake.rate(now)
      site.intakeBestBps = Math.max(site.intakeBestBps, rate)
      const trial = this.#trials.get(site) ?? { isOn: false, at: now, rateBefore: 0, pause: PAUSE_FIRST }
      this.#trials.set(site, trial)
      if (!isAllOut) trial.isOn = false
      else if (trial.isOn) judge(trial, rate, now)
      else if (now >= trial.at && rate < DOING_WELL * site.intakeBestBps + 1)
        Object.assign(trial, { isOn: true, at: now, rateBefore: rate })
    }
  }
}

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
