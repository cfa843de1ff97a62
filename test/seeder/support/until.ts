import { millis } from '../../../src/core/units.ts'
import type { ManualClock } from '../../support/manual-clock.ts'

/** Moves the clock in small steps, letting real files and watchers have their turn, until the condition holds. */
export async function until(clock: ManualClock, condition: () => boolean): Promise<void> {
  while (!condition()) {
    clock.advance(millis(20))
    await turn()
  }
}

/** The same for a promise. */
export async function untilDone<T>(clock: ManualClock, work: Promise<T>): Promise<T> {
  let isDone = false
  const done = (): void => {
    isDone = true
  }
  work.then(done, done)
  await until(clock, () => isDone)
  return work
}

/** One turn of the event loop. */
export function turn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}
