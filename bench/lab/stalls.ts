/** How long nothing went on, from what links carried in each stretch of time. Pure. */

/** Announces, haves and the like are no progress: less than one block. */
const PROGRESS_BYTES = 16_384
/** Of a WAN link's rate: sites that exchange pieces use more. */
const EXCHANGE_SHARE = 0.05

export interface Stretches {
  readonly everySeconds: number
  /** What was carried in each stretch, the first beginning at 0. */
  readonly bytes: readonly number[]
}

/** The longest time between two moments in which less than a block came; a stretch counts if all of it is between them. */
export function longestStall(
  { everySeconds, bytes }: Stretches,
  fromSeconds: number,
  untilSeconds: number,
): number {
  let [longest, length] = [0, 0]
  for (let i = Math.ceil(fromSeconds / everySeconds); (i + 1) * everySeconds <= untilSeconds; i++) {
    length = (bytes[i] ?? 0) < PROGRESS_BYTES ? length + 1 : 0
    longest = Math.max(longest, length)
  }
  return longest * everySeconds
}

/** How long after a moment all of these links carry content again; nothing when they do not. */
export function exchangeAfter(
  links: readonly (Stretches & { readonly fullBytes: number })[],
  sinceSeconds: number,
): number | undefined {
  const each = links.map(({ everySeconds, bytes, fullBytes }) => {
    const first = Math.ceil(sinceSeconds / everySeconds)
    const found = bytes.findIndex((carried, i) => i >= first && carried >= EXCHANGE_SHARE * fullBytes)
    return found < 0 ? undefined : (found + 1) * everySeconds - sinceSeconds
  })
  return each.some((seconds) => seconds === undefined)
    ? undefined
    : Math.max(...each.map((seconds) => seconds ?? 0))
}
