/** The browser's clock: the only file of the page's engine that sets timers by itself. */
import type { EngineClock } from '../engine/channel.ts'

export const browserClock: EngineClock = {
  now: () => performance.now(),
  after(delay, action) {
    const handle = setTimeout(action, delay)
    return { cancel: () => clearTimeout(handle) }
  },
  every(period, action) {
    const handle = setInterval(action, period)
    return { cancel: () => clearInterval(handle) }
  },
}
