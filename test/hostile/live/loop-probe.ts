/**
 * Loaded into a process under attack by `--import`: writes down, from the inside, for how long its event loop stood
 * still, and its memory. A timer that should fire every 20 ms says how late it is; what it is late for is told
 * apart by the kernel:
 *
 * - `cpuMs`: the main thread was computing. That is a stall of our own making, whatever else the machine does.
 * - `waitMs`: it was ready to run and other processes had the CPU (`schedstat`): nobody's fault here.
 * - the rest of `wallMs`: it was blocked, by the disk say.
 */
import { appendFileSync, openSync, readSync } from 'node:fs'
import { PerformanceObserver } from 'node:perf_hooks'
import { isMainThread } from 'node:worker_threads'

export interface LoopSample {
  /** Milliseconds since 1970. */
  readonly at: number
  /** The longest gap between two turns of the timer since the sample before, less the interval. */
  readonly wallMs: number
  /** The most CPU time that the main thread took, and waited for, in one such gap; not of one and the same gap. */
  readonly cpuMs: number
  readonly waitMs: number
  /** The longest collection of garbage; part of `cpuMs`. */
  readonly gcMs: number
  readonly rssBytes: number
}

const EVERY_MS = 20
export const SAMPLE_MS = 250

/** How long the main thread has waited for a CPU so far; 0 where the kernel does not say. */
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

function cpuMs(): number {
  const { user, system } = process.threadCpuUsage()
  return (user + system) / 1_000
}

function watch(path: string): void {
  const waited = waitReader()
  let last = { at: performance.now(), cpu: cpuMs(), wait: waited() }
  let worst = { wallMs: 0, cpuMs: 0, waitMs: 0 }
  let gcMs = 0
  new PerformanceObserver((list) => {
    for (const { duration } of list.getEntries()) gcMs = Math.max(gcMs, duration)
  }).observe({ entryTypes: ['gc'] })
  let sampledAt = last.at
  setInterval(() => {
    const now = { at: performance.now(), cpu: cpuMs(), wait: waited() }
    worst = {
      wallMs: Math.max(worst.wallMs, now.at - last.at - EVERY_MS),
      cpuMs: Math.max(worst.cpuMs, now.cpu - last.cpu),
      waitMs: Math.max(worst.waitMs, now.wait - last.wait),
    }
    last = now
    if (now.at - sampledAt < SAMPLE_MS) return
    sampledAt = now.at
    const sample: LoopSample = { at: Date.now(), ...worst, gcMs, rssBytes: process.memoryUsage.rss() }
    appendFileSync(path, `${JSON.stringify(sample)}\n`)
    worst = { wallMs: 0, cpuMs: 0, waitMs: 0 }
    gcMs = 0
  }, EVERY_MS).unref()
}

const path = process.env['LOOP_PROBE_FILE']
if (path !== undefined && isMainThread) watch(path)
