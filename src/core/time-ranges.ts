/** Stretches of a film or a recording that were played: sorted, apart from each other, never more than a bound. Pure. */

/** From and to, in seconds of the media. */
export type TimeRange = readonly [fromSeconds: number, toSeconds: number]

/** What is nearer to each other is one: a player tells where it is some four times a second. */
const JOINED_SECONDS = 0.5

/**
 * All of `ranges` together, in tenths of a second. Where there are more than `countMax`, the shortest are left out: nobody is
 * ever said to have seen what they have not.
 */
export function unionOf(ranges: Iterable<TimeRange>, countMax: number): TimeRange[] {
  const sorted = [...ranges]
    .map(([from, to]): [number, number] => [tenths(from), tenths(to)])
    .filter(([from, to]) => to > from)
    .sort(([a], [b]) => a - b)
  const joined: [number, number][] = []
  for (const [from, to] of sorted) {
    const last = joined.at(-1)
    if (last !== undefined && from - last[1] <= JOINED_SECONDS) last[1] = Math.max(last[1], to)
    else joined.push([from, to])
  }
  if (joined.length <= countMax) return joined
  const longest = joined.toSorted((a, b) => b[1] - b[0] - (a[1] - a[0])).slice(0, countMax)
  return longest.sort(([a], [b]) => a - b)
}

export function secondsIn(ranges: readonly TimeRange[]): number {
  return tenths(ranges.reduce((sum, [from, to]) => sum + to - from, 0))
}

const tenths = (seconds: number): number => Math.round(10 * seconds) / 10
