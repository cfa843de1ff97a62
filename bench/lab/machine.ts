/** How busy the machine was during a run: figures of seconds mean little when programs waited for a processor. */
import { readFileSync } from 'node:fs'
import { loadavg } from 'node:os'

const MICROSECONDS_PER_MS = 1_000
const PRESSURE = '/proc/pressure/cpu'

export interface Busyness {
  readonly loadBefore: number
  readonly loadAfter: number
  /** The share of the time in which somebody on the machine waited for a processor; null where the kernel does not say. */
  readonly cpuWaitShare: number | null
}

/** Begins to look; the function it gives tells what was seen since. */
export function watchMachine(): () => Busyness {
  const waited = cpuWaitClock()
  const [loadBefore = NaN] = loadavg()
  return () => {
    const [loadAfter = NaN] = loadavg()
    const share = waited()
    return { loadBefore, loadAfter, cpuWaitShare: share === null ? null : Number(share.toFixed(2)) }
  }
}

/** Tells at each call the share of the time since the one before it (or since this) in which somebody waited, or null. */
export function cpuWaitClock(): () => number | null {
  let [at, waited] = [performance.now(), waitedMicroseconds()]
  return () => {
    const [nowAt, nowWaited] = [performance.now(), waitedMicroseconds()]
    const share = (nowWaited - waited) / MICROSECONDS_PER_MS / (nowAt - at)
    ;[at, waited] = [nowAt, nowWaited]
    return Number.isNaN(share) ? null : Math.min(1, share)
  }
}

/** NaN where the kernel does not count it. */
function waitedMicroseconds(): number {
  try {
    return Number(/^some .*total=(\d+)/m.exec(readFileSync(PRESSURE, 'utf8'))?.[1] ?? NaN)
  } catch {
    return NaN
  }
}
