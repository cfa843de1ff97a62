/** Bytes a second, over the last few seconds. */

/** After so long the past counts for a third of what it did. */
const SPAN = 3_000

export class RateMeter {
  #bytes = 0
  #at: number | undefined

  note(bytes: number, now: number): void {
    this.#decay(now)
    this.#bytes += bytes
  }

  perSecond(now: number): number {
    this.#decay(now)
    return (1_000 * this.#bytes) / SPAN
  }

  #decay(now: number): void {
    if (this.#at !== undefined) this.#bytes *= Math.exp(-(now - this.#at) / SPAN)
    this.#at = now
  }
}
