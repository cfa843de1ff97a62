/**
 * Loaded into a process by `--import`: for how long its event loop stood still, from the inside. At each SIGUSR2 a line of
 * JSON is appended to `LOOP_WATCH_FILE` about the time since the signal before.
 *
 * A timer that should fire every 5 ms says how late it is (`wall`). Other processes may have had the CPU meanwhile, which
 * is nobody's fault here: `own` is as much of it as the main thread was computing.
 */
import { appendFileSync } from 'node:fs'
import { createHistogram } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

/** In milliseconds. */
export interface LateFigures {
  readonly p50: number
  readonly p99: number
  readonly max: number
}

export interface LoopFigures {
  readonly seconds: number
  readonly wall: LateFigures
  readonly own: LateFigures
}

const EVERY_MS = 5
const US_A_MS = 1_000

class Lateness {
  readonly #histogram = createHistogram()

  add(ms: number): void {
    this.#histogram.record(Math.max(1, Math.round(US_A_MS * ms))) // a histogram begins at 1
  }

  /** Of what was added since the call before. */
  take(): LateFigures {
    const [p50 = NaN, p99 = NaN, max = NaN] = [50, 99, 100].map((p) =>
      Number((this.#histogram.percentile(p) / US_A_MS).toFixed(1)),
    )
    this.#histogram.reset()
    return { p50, p99, max }
  }
}

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / US_A_MS
}

function watch(path: string): void {
  const [wall, own] = [new Lateness(), new Lateness()]
  let since = performance.now()
  let last = { at: since, cpu: cpuMs() }
  setInterval(() => {
    const now = { at: performance.now(), cpu: cpuMs() }
    const lateMs = now.at - last.at - EVERY_MS
    wall.add(lateMs)
    own.add(Math.min(lateMs, now.cpu - last.cpu))
    last = now
  }, EVERY_MS).unref()
  process.on('SIGUSR2', () => {
    const at = performance.now()
    const seconds = Number(((at - since) / 1_000).toFixed(2))
    const figures: LoopFigures = { seconds, wall: wall.take(), own: own.take() }
    appendFileSync(path, `${JSON.stringify(figures)}\n`)
    since = at
  })
}

const path = process.env['LOOP_WATCH_FILE']
if (path !== undefined && isMainThread) watch(path)
