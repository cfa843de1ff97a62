/** Where a viewer jumps to. Pure. */
import type { Seen } from './probe.ts'

const TRIES_MAX = 1_000
/** Beyond the ends of what is there: nothing of it is on its way already. */
const MARGIN_SECONDS = 20
const GOLDEN = 0.618_033_988_749_895

/** Some place that the player does not hold, the same for the same `seed`; the film's middle when it holds all. */
export function seekTarget(
  { buffered, durationSeconds }: Pick<Seen, 'buffered' | 'durationSeconds'>,
  seed: number,
): number {
  for (let i = 1; i <= TRIES_MAX; i++) {
    // Spread evenly over the film, whatever the seed.
    const at = ((seed * 0.754_877 + i * GOLDEN) % 1) * (durationSeconds - MARGIN_SECONDS)
    if (buffered.every(([from, until]) => at < from - MARGIN_SECONDS || at > until + MARGIN_SECONDS))
      return at
  }
  return durationSeconds / 2
}
