/**
 * Whether those we met are still in the swarm: the tracker is asked, as the gateway does (`wire/signal-lease.ts`), so that somebody
 * whose grant was revoked gets nothing more from colleagues. Whom the tracker has known since our socket opened, and then twice in a
 * row has not, is gone: one that begins anew, or a page whose socket broke, drops nobody.
 */
import type { PeerId } from '../../core/ids.ts'
import { limits } from '../../wire/limits.ts'

const MISSES_MAX = 2

export class PeerLeases {
  /** Who was known, and how often in a row they were not since. */
  readonly #misses = new Map<PeerId, number>()
  #asked: readonly PeerId[] = []

  /** The socket is another: what the tracker behind it knows has to be learnt anew. */
  restart(): void {
    this.#misses.clear()
    this.#asked = []
  }

  /** Whom to ask about now; nobody when it is empty. */
  ask(connected: readonly PeerId[]): readonly PeerId[] {
    for (const peer of this.#misses.keys()) if (!connected.includes(peer)) this.#misses.delete(peer)
    this.#asked = connected.slice(0, limits.leasePeersMax)
    return this.#asked
  }

  /** Who is to be hung up on, by an answer that does not know these. */
  answered(unknown: readonly PeerId[]): PeerId[] {
    const gone: PeerId[] = []
    for (const peer of this.#asked) {
      if (!unknown.includes(peer)) {
        this.#misses.set(peer, 0)
        continue
      }
      const misses = this.#misses.get(peer)
      if (misses === undefined) continue
      this.#misses.set(peer, misses + 1)
      if (misses + 1 >= MISSES_MAX) gone.push(peer)
    }
    this.#asked = []
    return gone
  }
}
