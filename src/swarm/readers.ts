/** Who reads a torrent's content while it comes: what each needs by when, who waits, and what the disk cannot vouch for. */
import type { PieceIndex } from '../core/piece-layout.ts'
import type { Millis } from '../core/units.ts'
import { Deadlines, READ_BPS_MIN, type ReadNeed } from './deadlines.ts'

/** Of each file that is read, at most two pieces are shared with others: a handful of files is read at a time. */
const KEPT_PIECES_MAX = 8

export class Readers {
  readonly deadlines = new Deadlines()
  readonly #waiting = new Set<() => void>()
  /** Verified pieces whose other files are not wanted: on the disk is only a part of them, which cannot be hashed. */
  readonly #kept = new Map<PieceIndex, Uint8Array>()

  begin(range: { readonly at: number; readonly end: number }, now: Millis): ReadNeed {
    const need = { ...range, rateBps: READ_BPS_MIN, waitingSince: now }
    this.deadlines.add(need)
    return need
  }

  end(need: ReadNeed): void {
    this.deadlines.delete(need)
  }

  /** False when it is full: the bytes stay the caller's. */
  keep(piece: PieceIndex, bytes: Uint8Array): boolean {
    if (this.#kept.size >= KEPT_PIECES_MAX && !this.#kept.has(piece)) return false
    this.#kept.set(piece, bytes)
    return true
  }

  kept(piece: PieceIndex): Uint8Array | undefined {
    return this.#kept.get(piece)
  }

  /** Something has happened that a waiting reader may have waited for: each looks for itself. */
  wake(): void {
    for (const wake of [...this.#waiting]) wake()
  }

  /** Resolves at the next {@link wake}. @throws what `signal` was aborted with. */
  async change(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    const { promise, resolve } = Promise.withResolvers<undefined>()
    const wake = (): void => resolve(undefined)
    this.#waiting.add(wake)
    signal.addEventListener('abort', wake, { once: true })
    try {
      await promise
    } finally {
      this.#waiting.delete(wake)
      signal.removeEventListener('abort', wake)
    }
    signal.throwIfAborted()
  }
}
