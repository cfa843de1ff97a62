/** Whether a figure that was looked at again and again has grown. */
import { quantile, rounded } from './http-load.ts'

export interface Flatness {
  readonly startMedian: number
  readonly middleMedian: number
  readonly endMedian: number
  /** Least squares over the middle and the end, a minute. */
  readonly slopePerMinute: number
  readonly isFlat: boolean
}

/** `slack`: growth that is noise whatever the level, in the figure's unit. */
const SHARE_MAX = 0.1

/**
 * The first third is warm-up: caches, pools and compiled code fill. Flat: the last third's median is at most a tenth (or
 * `slack`) above the middle third's.
 */
export function flatnessOf(
  samples: readonly { readonly atMs: number; readonly value: number }[],
  slack: number,
): Flatness {
  const third = Math.floor(samples.length / 3)
  const median = (from: number, to: number): number =>
    quantile(
      samples.slice(from, to).map((sample) => sample.value),
      0.5,
    )
  const middleMedian = median(third, 2 * third)
  const endMedian = median(2 * third, samples.length)
  return {
    startMedian: rounded(median(0, third)),
    middleMedian: rounded(middleMedian),
    endMedian: rounded(endMedian),
    slopePerMinute: rounded(slopeOf(samples.slice(third)) * 60_000, 2),
    isFlat: endMedian <= middleMedian + Math.max(slack, SHARE_MAX * middleMedian),
  }
}

function slopeOf(samples: readonly { readonly atMs: number; readonly value: number }[]): number {
  const mean = (values: readonly number[]): number =>
    values.reduce((sum, value) => sum + value, 0) / values.length
  const x = mean(samples.map((sample) => sample.atMs))
  const y = mean(samples.map((sample) => sample.value))
  const over = samples.reduce((sum, { atMs, value }) => sum + (atMs - x) * (value - y), 0)
  const under = samples.reduce((sum, { atMs }) => sum + (atMs - x) ** 2, 0)
  return under === 0 ? 0 : over / under
}
