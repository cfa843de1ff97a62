/**
 * Of whom it means something that the tracker does not know them: pages come back to a tracker that begins anew within a minute, so that
 * until then only those count whom it has named, or known, on this very socket. Pure but for the clock.
 */
import type { PeerId } from '../core/ids.ts'
import { minutes, type Millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'

const FIND_EACH_OTHER = minutes(1)

export class Acquaintances {
  readonly #clock: Clock
  #joinedAt: Millis | undefined
  /** Not kept for longer than it matters. */
  readonly #known = new Set<PeerId>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** The socket's own announce was taken. */
  get hasJoined(): boolean {
    return this.#joinedAt !== undefined
  }

  /** With another socket all begins anew. */
  beginAnew(): void {
    this.#joinedAt = undefined
    this.#known.clear()
  }

  joined(): void {
    this.#joinedAt ??= this.#clock.now()
  }

  /** The tracker named it. */
  met(peer: PeerId): void {
    if (!this.#isOld()) this.#known.add(peer)
  }

  /** Those of `asked` for whom the answer counts. */
  counting(asked: readonly PeerId[], gone: readonly PeerId[]): readonly PeerId[] {
    if (this.#isOld()) {
      this.#known.clear()
      return asked
    }
    const isGone = new Set(gone)
    for (const peer of asked) if (!isGone.has(peer)) this.#known.add(peer)
    return asked.filter((peer) => this.#known.has(peer))
  }

  #isOld(): boolean {
    return this.#joinedAt !== undefined && this.#clock.now() - this.#joinedAt >= FIND_EACH_OTHER
  }
}
