/**
 * Nobody waits for what is fetched far ahead, and many do it at the same time over the server's one line: it is fetched not much
 * faster than it is played, so that whoever begins or jumps finds the line free.
 */

/** Times the rate at which it is played. */
const FASTER = 1.25
/** What was not used is good for so long: who asks looks now and then only. */
const CREDIT_MS = 1_000

export class Pace {
  #openAt = -Infinity

  /** Whether more may be begun. Times in ms. */
  isOpen(now: number): boolean {
    return now >= this.#openAt
  }

  /** Something was begun that plays for so long, as fast as it is played. */
  spend(playMs: number, now: number): void {
    this.#openAt = Math.max(now - CREDIT_MS, this.#openAt) + playMs / FASTER
  }
}
