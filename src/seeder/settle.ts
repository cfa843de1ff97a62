/** Waits until something has come to rest: a copy under way must not be published half. */
import { seconds } from '../core/units.ts'
import { sleep, type Clock } from '../platform/clock.ts'

/** So long must it look the same. A copy pauses for less; a person hardly notices it. */
export const SETTLE_TIME = seconds(2)

/** The first look that is the same as the one {@link SETTLE_TIME} before. */
export async function settled<T>(
  clock: Clock,
  look: () => Promise<T>,
  isSame: (a: T, b: T) => boolean,
  signal: AbortSignal,
): Promise<T> {
  for (let before = await look(); ;) {
    await sleep(clock, SETTLE_TIME, signal)
    const now = await look()
    if (isSame(before, now)) return now
    before = now
  }
}
