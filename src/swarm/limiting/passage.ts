/**
 * One peer's way in or out, through every limit that it is under. Blocks pass when all of them let them: what one has
 * granted is kept while another has yet to, so that whoever waits at several comes through all in the end, and holds up
 * nobody who is not under the same one.
 */
import type { RateBucket, Waiter } from './rate-bucket.ts'

export class Passage implements Waiter {
  readonly #onTurn: () => void
  #buckets: readonly RateBucket[] = []
  /** Granted and not used yet. */
  readonly #granted = new Map<RateBucket, number>()

  constructor(onTurn: () => void) {
    this.#onTurn = onTurn
  }

  /** The limits that hold from now on, narrowest first: who waits at a narrow one has taken nothing of the wide ones. */
  lead(buckets: readonly RateBucket[]): void {
    for (const bucket of this.#buckets) if (!buckets.includes(bucket)) this.#leave(bucket)
    this.#buckets = buckets
  }

  /** False: nothing passes now; `onTurn` is called when it is worth asking again. */
  take(bytes: number): boolean {
    for (const bucket of this.#buckets) {
      const granted = this.#granted.get(bucket) ?? 0
      if (granted >= bytes) continue
      if (!bucket.take(this, bytes - granted)) return false
      this.#granted.set(bucket, bytes)
    }
    for (const bucket of this.#buckets) this.#grant(bucket, (this.#granted.get(bucket) ?? 0) - bytes)
    return true
  }

  charge(bytes: number): void {
    for (const bucket of this.#buckets) bucket.charge(bytes)
  }

  giveBack(bytes: number): void {
    for (const bucket of this.#buckets) bucket.giveBack(bytes)
  }

  /** It is over: what was granted is free for others. */
  close(): void {
    this.lead([])
  }

  resume(): void {
    this.#onTurn()
  }

  #leave(bucket: RateBucket): void {
    bucket.leave(this)
    bucket.giveBack(this.#granted.get(bucket) ?? 0)
    this.#granted.delete(bucket)
  }

  #grant(bucket: RateBucket, bytes: number): void {
    if (bytes > 0) this.#granted.set(bucket, bytes)
    else this.#granted.delete(bucket)
  }
}
