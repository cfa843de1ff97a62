/** Which tracker to ask: BEP 12. Only HTTP ones; what else a link names is for other clients. */
import { type Random, shuffled } from '../core/random.ts'
import { limits } from '../wire/limits.ts'

/** Two spellings of one tracker that differ in their grant are one tracker. */
export const trackerOf = (url: string): string => url.split('?', 1)[0] ?? url

/** The URLs to try, in order: tiers as given, each in random order, the one that answered last in front. */
export function urlsToTry(
  tiers: readonly (readonly string[])[],
  lastGood: string | undefined,
  random: Random,
): string[] {
  const urls = tiers
    .flatMap((tier) => shuffled(tier, random).toSorted((a, b) => rank(a, lastGood) - rank(b, lastGood)))
    .filter((url) => /^https?:\/\//i.test(url) && url.length <= limits.urlCharsMax)
  return [...new Set(urls)].slice(0, limits.trackerUrlsMax)
}

const rank = (url: string, lastGood: string | undefined): number => (trackerOf(url) === lastGood ? 0 : 1)
