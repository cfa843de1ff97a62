/** What a run of one peer to one cost, and how two clients compare. Pure. */
import { quantile, rounded } from './http-load.ts'

export interface Run {
  readonly seconds: number
  readonly leechCpu: number
  readonly seedCpu: number
  readonly leechPeakMiB: number
}

const round = (n: number): number => rounded(n, 3)

const median = (values: readonly number[]): number => quantile(values, 0.5)

const least = (values: readonly number[]): number => Math.min(...values)

/** Each figure by itself: the run with the median time need not be the one with the median CPU-seconds. */
function eachOf(runs: readonly Run[], pick: (values: readonly number[]) => number): Run {
  return {
    seconds: round(pick(runs.map((run) => run.seconds))),
    leechCpu: round(pick(runs.map((run) => run.leechCpu))),
    seedCpu: round(pick(runs.map((run) => run.seedCpu))),
    leechPeakMiB: Math.round(pick(runs.map((run) => run.leechPeakMiB))),
  }
}

const ratioOf = (ours: Run, theirs: Run): Record<string, number> => ({
  throughput: round(theirs.seconds / ours.seconds),
  leechCpu: round(ours.leechCpu / theirs.leechCpu),
  seedCpu: round(ours.seedCpu / theirs.seedCpu),
})

/** Of at least one run each. Throughput above 1 and CPU below 1: ours is better. */
export function compare(runs: { readonly shoal: readonly Run[]; readonly libtorrent: readonly Run[] }) {
  const both = (pick: (values: readonly number[]) => number) => {
    const [shoal, libtorrent] = [eachOf(runs.shoal, pick), eachOf(runs.libtorrent, pick)]
    return { shoal, libtorrent, ratio: ratioOf(shoal, libtorrent) }
  }
  return {
    medians: both(median),
    /** What the programs need when nothing else on the machine is in their way. */
    best: both(least),
    seconds: {
      shoal: runs.shoal.map((run) => run.seconds),
      libtorrent: runs.libtorrent.map((run) => run.seconds),
    },
  }
}
