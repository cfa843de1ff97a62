/** Figures that a promise is shown by: printed, and kept by `scripts/test --long`. */
import { appendFileSync } from 'node:fs'

/** True in `scripts/test --long`: use the long run's numbers. */
export const isLongRun = process.env.SHOAL_LONG === '1'

/** How many inputs a property test tries. */
export const fuzzRuns = Number(process.env.FUZZ_RUNS ?? 200)

/** `promise`: the number in the table of promises, where there is one; names of figures end in their unit. */
export function recordFigures(
  what: string,
  figures: Readonly<Record<string, number>>,
  promise?: number,
): void {
  const record = { what, ...(promise === undefined ? {} : { promise }), ...figures }
  process.stdout.write(`      ${JSON.stringify(record)}\n`)
  const file = process.env.TEST_FIGURES_FILE
  if (file !== undefined) appendFileSync(file, `${JSON.stringify(record)}\n`)
}
