/** How evenly some were served, from when each had everything. Pure. */

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
    slowestMBps: rounded(slowest),
    medianMBps: rounded(median),
    fastestMBps: rounded(rates.at(-1) ?? NaN),
    slowestByMedian: rounded(slowest / median),
  }
}

/** Of sorted values; between the two in the middle when there are two. */
function medianOf(sorted: readonly number[]): number {
  const half = sorted.length / 2
  return ((sorted[Math.ceil(half) - 1] ?? NaN) + (sorted[Math.floor(half)] ?? NaN)) / 2
}

const rounded = (value: number): number => Number(value.toFixed(3))
