/**
 * Which tracker to ask: BEP 12. Each tier is shuffled once, the tracker that answered moves to the front of its
 * tier, and a tier's turn comes when all before it have failed. Only HTTP ones; what else a link names is for
 * other clients. A tracker that said when to come again is left alone until then.
 */
import type { Random } from '../core/random.ts'
import type { Millis } from '../core/units.ts'
import { limits } from '../wire/limits.ts'

/** Two spellings of one tracker that differ in their grant are one tracker: a renewal changes no order. */
export const trackerOf = (url: string): string => url.split('?', 1)[0] ?? url

/** The machine that answers there, as far as a URL tells. */
export const hostOf = (url: string): string => /^https?:\/\/[^/?#]*/i.exec(url)?.[0].toLowerCase() ?? url

export class TrackerTiers {
  readonly #random: Random
  /** Place within a tier: chance at first, below 0 for those that answered, the last of them lowest. */
  readonly #places = new Map<string, number>()
  /** Reading of the clock before which a tracker that refused us is not asked. */
  readonly #notBefore = new Map<string, Millis>()
  #front = 0

  constructor(random: Random) {
    this.#random = random
  }

  /** The URLs to try, in order. */
  inOrder(tiers: readonly (readonly string[])[]): string[] {
    const isOurs = (url: string): boolean => /^https?:\/\//i.test(url) && url.length <= limits.urlCharsMax
    const urls = new Set(tiers.flatMap((tier) => this.#sorted(tier.filter(isOurs))))
    this.#forgetAllBut(urls)
    return [...urls].slice(0, limits.trackerUrlsMax)
  }

  answered(url: string): void {
    this.#places.set(trackerOf(url), --this.#front)
    this.#notBefore.delete(trackerOf(url))
  }

  refused(url: string, until: Millis): void {
    this.#notBefore.set(trackerOf(url), until)
  }

  /** Undefined: at any time. */
  notBefore(url: string): Millis | undefined {
    return this.#notBefore.get(trackerOf(url))
  }

  #sorted(tier: readonly string[]): string[] {
    return tier.toSorted((a, b) => this.#placeOf(a) - this.#placeOf(b))
  }

  #placeOf(url: string): number {
    const tracker = trackerOf(url)
    const known = this.#places.get(tracker)
    if (known !== undefined) return known
    const place = this.#random()
    this.#places.set(tracker, place)
    return place
  }

  #forgetAllBut(urls: ReadonlySet<string>): void {
    const trackers = new Set(Array.from(urls, trackerOf))
    for (const map of [this.#places, this.#notBefore])
      for (const tracker of map.keys()) if (!trackers.has(tracker)) map.delete(tracker)
  }
}
