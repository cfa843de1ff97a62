/** The worst of several runs, which is what counts for topologies drawn by chance. Pure. */
import type { Line } from './report.ts'

type Measured = Pick<
  Line,
  | 'seed'
  | 'finished'
  | 'wanted'
  | 'areBytesRight'
  | 'lastOverBound'
  | 'worstOverOwnBound'
  | 'worstOverAlone'
  | 'originCopies'
  | 'wanOverLeastMost'
>

/** Null where somebody was not done; `seed` is that of the run it was seen in. */
export function worstOf(lines: readonly Measured[]) {
  const worst = (of: (line: Measured) => number | null) => {
    const [seed, most] = lines
      .map((line) => [line.seed, of(line) ?? Infinity] as const)
      .reduce((a, b) => (b[1] > a[1] ? b : a), [NaN, -Infinity])
    return { seed, most: Number.isFinite(most) ? most : null }
  }
  return {
    bench: 'lab-worst',
    runs: lines.length,
    allDone: lines.every(({ finished, wanted }) => finished === wanted),
    areBytesRight: lines.every(({ areBytesRight }) => areBytesRight),
    lastOverBound: worst((line) => line.lastOverBound),
    worstOverOwnBound: worst((line) => line.worstOverOwnBound),
    worstOverAlone: worst((line) => line.worstOverAlone),
    originCopies: worst((line) => line.originCopies),
    /** Copies into a site, over the least that it needs. */
    wanOverLeast: worst((line) => line.wanOverLeastMost),
  }
}
