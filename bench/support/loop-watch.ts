/**
 * Loaded into a process by `--import`: for how long its event loop stood still, from the inside. At each SIGUSR2 a line of
 * JSON is appended to `LOOP_WATCH_FILE` about the time since the signal before.
 *
 * A timer that should fire every 5 ms says how late it is. What it was late for because other processes had the CPU
 * (`schedstat`: it was ready to run) is nobody's fault here, and is taken off for `own`.
 */
import { appendFileSync, openSync, readSync } from 'node:fs'
import { createHistogram } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

export interface LoopFigures {
  readonly seconds: number
  /** Lateness of the timer, in milliseconds. */
  readonly wall: { readonly p50: number; readonly p99: number; readonly max: number }
  /** The same without what the thread waited for a CPU. */
  readonly own: { readonly p50: number; readonly p99: number; readonly max: number }
}

const EVERY_MS = 5
const US_A_MS = 1_000

/** How long the main thread has waited for a CPU so far, in milliseconds; 0 where the kernel does not say. */
function waitReader(): () => number {
  const buffer = Buffer.alloc(96)
  let file: number
  try {
    file = openSync('/proc/self/schedstat', 'r')
  } catch {
    return () => 0
  }
  return () => {
    const text = buffer.toString('latin1', 0, readSync(file, buffer, 0, buffer.length, 0))
    return Number(text.split(' ')[1] ?? 0) / 1e6
  }
}

function watch(path: string): void {
  const waited = waitReader()
  const [wall, own] = [createHistogram(), createHistogram()]
  const figuresOf = ({ max, percentile }: { max: number; percentile: (p: number) => number }) => ({
    p50: percentile(50) / US_A_MS,
    p99: percentile(99) / US_A_MS,
    max: max / US_A_MS,
  })
  let since = performance.now()
  let last = { at: since, wait: waited() }
  setInterval(() => {
    const now = { at: performance.now(), wait: waited() }
    const lateMs = now.at - last.at - EVERY_MS
    // a histogram begins at 1
    wall.record(Math.max(1, Math.round(US_A_MS * lateMs)))
    own.record(Math.max(1, Math.round(US_A_MS * (lateMs - (now.wait - last.wait)))))
    last = now
  }, EVERY_MS).unref()
  process.on('SIGUSR2', () => {
    const at = performance.now()
    const figures: LoopFigures = {
      seconds: (at - since) / 1_000,
      wall: figuresOf({ max: wall.max, percentile: (p) => wall.percentile(p) }),
      own: figuresOf({ max: own.max, percentile: (p) => own.percentile(p) }),
    }
    appendFileSync(path, `${JSON.stringify(figures)}\n`)
    wall.reset()
    own.reset()
    since = at
  })
}

const path = process.env['LOOP_WATCH_FILE']
if (path !== undefined && isMainThread) watch(path)
