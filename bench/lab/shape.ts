/**
 * How fast the links are, and the queues of the kernel that make them so.
 * A link is shaped where packets enter it, one token bucket a direction; what does not fit waits, then is dropped,
 * as at the modem of a site. There is no added delay (the kernels this runs on have no netem): packets wait in the
 * queues only.
 */

const BITS_PER_BYTE = 8
const BITS_PER_MBIT = 1_000_000
const MS_PER_SECOND = 1_000
interface Queue {
  /** What the bucket holds: a few frames, so that a link never runs ahead of its rate by more than some milliseconds. */
  readonly burstBytes: number
  /** How long a packet may wait before those behind it are dropped. */
  readonly latencyMs: number
}
const QUEUES = {
  wan: { burstBytes: 16_384, latencyMs: 50 },
  // Larger than what TCP hands over at once at such a rate: the kernel need not cut it up, which would cost the
  // machine that measures more than the link is worth.
  lan: { burstBytes: 49_152, latencyMs: 20 },
} as const satisfies Record<string, Queue>

export interface Rates {
  readonly wanMbit: number
  readonly lanMbit: number
  readonly originMbit: number
}

/** One direction of a link: the options of the kernel's token bucket. */
export function bucket(mbit: number, kind: keyof typeof QUEUES): string {
  const { burstBytes, latencyMs } = QUEUES[kind]
  return `tbf rate ${Math.round(mbit * BITS_PER_MBIT)}bit burst ${burstBytes} latency ${latencyMs}ms`
}

/** What a link needs for so many bytes, headers left out. */
export function secondsFor(bytes: number, mbit: number): number {
  return (bytes * BITS_PER_BYTE) / (mbit * BITS_PER_MBIT)
}

/** What a link carries in so long. */
export function bytesIn(ms: number, mbit: number): number {
  return (ms * mbit * BITS_PER_MBIT) / (BITS_PER_BYTE * MS_PER_SECOND)
}
