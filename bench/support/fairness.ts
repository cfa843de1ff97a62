/** How evenly some were served, from when each had everything. Pure. */
import { rounded } from './http-load.ts'

const MB = 1_000_000

export interface Fairness {
  readonly peers: number
  readonly slowestMBps: number
  readonly medianMBps: number
  readonly fastestMBps: number
  /** 1: all alike. */
  readonly slowestByMedian: number
}

/** `seconds`: of each, from the common start; at least one. */
export function fairnessOf(seconds: readonly number[], sizeBytes: number): Fairness {
  const rates = seconds.map((each) => sizeBytes / MB / each).toSorted((a, b) => a - b)
  const [slowest = NaN] = rates
  const median = medianOf(rates)
  return {
    peers: rates.length,
    slowestMBps: rounded(slowest, 3),
    medianMBps: rounded(median, 3),
    fastestMBps: rounded(rates.at(-1) ?? NaN, 3),
    slowestByMedian: rounded(slowest / median, 3),
  }
}

/** Of sorted values; between the two in the middle when there are two. */
function medianOf(sorted: readonly number[]): number {
  const half = sorted.length / 2
  return ((sorted[Math.ceil(half) - 1] ?? NaN) + (sorted[Math.floor(half)] ?? NaN)) / 2
}
