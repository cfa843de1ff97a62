/** Since when the player has needed which pieces at once. */
import type { PieceIndex } from '../../core/piece-layout.ts'
import { isCriticalAt } from './plan.ts'

export class Waiting {
  readonly #since = new Map<PieceIndex, number>()

  /** For how long it has needed the piece, due in so long, at once; 0: it does not. All in ms. */
  forMs(piece: PieceIndex, dueMs: number, now: number): number {
    if (!isCriticalAt(dueMs)) {
      this.#since.delete(piece)
      return 0
    }
    const since = this.#since.get(piece) ?? now
    this.#since.set(piece, since)
    return now - since
  }

  review(isWanted: (piece: PieceIndex) => boolean): void {
    for (const piece of this.#since.keys()) if (!isWanted(piece)) this.#since.delete(piece)
  }
}
