/** Time as an argument. The only file that reads the system's clocks or sets a timer. */
import { epochMillis, millis, type EpochMillis, type Millis } from '../core/units.ts'

export interface Timer {
  /** Harmless when it has fired or was cancelled before. */
  cancel(): void
}

export interface Clock {
  /** Monotonic: for durations. */
  now(): Millis
  /** The date: for promises to others. May jump. */
  epoch(): EpochMillis
  /** Runs `action` once, not before `delay` has passed. */
  after(delay: Millis, action: () => void): Timer
  /** Runs `action` every `period`, until cancelled. */
  every(period: Millis, action: () => void): Timer
}

export const systemClock: Clock = {
  now: () => millis(performance.now()),
  epoch: () => epochMillis(Date.now()),
  after(delay, action) {
    const handle = setTimeout(action, delay)
    return { cancel: () => { clearTimeout(handle) } } // prettier-ignore
  },
  every(period, action) {
    const handle = setInterval(action, period)
    return { cancel: () => { clearInterval(handle) } } // prettier-ignore
  },
}

/** Resolves after `delay`; rejects with the signal's reason when it is aborted before. */
export function sleep(clock: Clock, delay: Millis, signal?: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    if (signal?.aborted === true) {
      reject(asError(signal.reason))
      return
    }
    const onAbort = (): void => {
      timer.cancel()
      reject(asError(signal?.reason))
    }
    const timer = clock.after(delay, () => {
      signal?.removeEventListener('abort', onAbort)
      resolve()
    })
    signal?.addEventListener('abort', onAbort, { once: true })
  })
}

function asError(reason: unknown): Error {
  return reason instanceof Error ? reason : new Error(String(reason))
}
