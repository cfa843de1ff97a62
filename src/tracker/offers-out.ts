/**
 * Which of one peer's offers was handed to whom: an answer is passed back only from the peer that got the offer,
 * and once. Without it anybody in a swarm could send anything to anybody in it.
 */
import { limits } from '../wire/limits.ts'
import type { OfferId } from '../wire/signal.ts'

interface Handed<Peer> {
  readonly to: Peer
  readonly at: number
}

export class OffersOut<Peer> {
  /** In the order of their handing out. */
  readonly #offers = new Map<OfferId, Handed<Peer>>()

  get size(): number {
    return this.#offers.size
  }

  /** An offer id used again means the newer offer. Beyond `limits.signalOffersOutMax` the oldest is forgotten. */
  add(id: OfferId, to: Peer, now: number): void {
    this.#offers.delete(id)
    this.#offers.set(id, { to, at: now })
    if (this.#offers.size <= limits.signalOffersOutMax) return
    const [oldest] = this.#offers.keys()
    if (oldest !== undefined) this.#offers.delete(oldest)
  }

  /** True when `by` may answer this offer; it then no longer may. */
  take(id: OfferId, by: Peer, now: number): boolean {
    const handed = this.#offers.get(id)
    if (handed?.to !== by) return false
    this.#offers.delete(id)
    return now - handed.at < limits.signalOfferLife
  }

  forgetOld(now: number): void {
    for (const [id, { at }] of this.#offers) {
      if (now - at < limits.signalOfferLife) return
      this.#offers.delete(id)
    }
  }
}
