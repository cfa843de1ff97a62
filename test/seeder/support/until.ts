import { setTimeout as wait } from 'node:timers/promises'
import { millis, seconds } from '../../../src/core/units.ts'
import type { ManualClock } from '../../support/manual-clock.ts'

/** Moves the clock in small steps, letting real files and watchers have their turn, until the condition holds. */
export async function until(clock: ManualClock, condition: () => boolean): Promise<void> {
  while (!condition()) {
    clock.advance(millis(20))
    await turn()
  }
}

/**
 * Whether the condition holds within so many seconds of the clock. The disk may take its time: the clock stands
 * still for up to two real seconds after each step.
 */
export async function withinSeconds(
  clock: ManualClock,
  atMost: number,
  condition: () => boolean,
): Promise<boolean> {
  for (let second = 0; second < atMost; second++) {
    clock.advance(seconds(1))
    for (let turns = 0; turns < 200 && !condition(); turns++) await wait(10)
    if (condition()) return true
  }
  return false
}

/** As `until`, for a promise. */
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
