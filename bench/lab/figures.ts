/** Arithmetic that results share. Pure. */

export interface Spread {
  readonly median: number
  readonly most: number
}

/** Of the values that are there; null when none is. */
export function spreadOf(values: readonly (number | undefined)[]): Spread | null {
  const sorted = values.flatMap((value) => value ?? []).toSorted((a, b) => a - b)
  const [median, most] = [sorted[sorted.length >> 1], sorted.at(-1)]
  return median === undefined || most === undefined ? null : { median, most }
}

export const sum = (values: readonly number[]): number => values.reduce((all, value) => all + value, 0)
export const mean = (values: readonly number[]): number => round(sum(values) / values.length)
export const round = (n: number): number => Math.round(n * 1_000) / 1_000

/** The same values as at most `most` sums of neighbours. */
export function thinned(values: readonly number[], most: number): readonly number[] {
  const each = Math.ceil(values.length / most)
  return Array.from({ length: Math.ceil(values.length / each) || 0 }, (_, i) =>
    sum(values.slice(i * each, (i + 1) * each)),
  )
}
