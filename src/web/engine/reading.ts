/** Bytes of the file for the player: in order, verified, as soon as they are here. */
import type { Bitfield } from '../../core/bitfield.ts'
import { ShoalError } from '../../core/errors.ts'
import type { PieceIndex } from '../../core/piece-layout.ts'
import type { PieceStore } from './piece-store.ts'
import { pieceAt, type Watched } from './watched.ts'

export interface ReadingParts {
  readonly watched: Watched
  readonly store: PieceStore
  readonly have: Bitfield
  /** The player needs this piece next. */
  readonly onMoved: (piece: PieceIndex) => void
  /** The store has it no more. */
  readonly onLost: (piece: PieceIndex) => void
}

/** A store that takes and does not give is none. */
const LOST_MAX = 3

interface Reader {
  readonly piece: PieceIndex
  readonly resolve: () => void
}

export class Reading {
  readonly #parts: ReadingParts
  readonly #readers = new Set<Reader>()
  /** Who asked last: where it reads, the player is. Whoever waits since before a jump is answered, and moves nobody. */
  #latest: object = {}
  #isClosed = false

  constructor(parts: ReadingParts) {
    this.#parts = parts
  }

  /** @throws ShoalError `bad-input`, `interrupted`. */
  async read(offset: number, bytesMax: number, signal: AbortSignal): Promise<Uint8Array<ArrayBuffer>> {
    const { have, onLost, watched } = this.#parts
    if (!Number.isInteger(offset) || offset < 0 || offset >= watched.fileBytes)
      throw new ShoalError('bad-input', 'the file ends before this place')
    const piece = pieceAt(watched, offset)
    const asked = (this.#latest = {})
    for (let lost = 0; ;) {
      this.#move(piece, asked)
      if (!have.has(piece)) await this.#arrival(piece, signal)
      const bytes = await this.#together(offset, bytesMax)
      const end = offset + bytes.length
      if (bytes.length > 0 && end < watched.fileBytes) this.#move(pieceAt(watched, end), asked)
      if (bytes.length > 0) return bytes
      if (++lost >= LOST_MAX) throw new ShoalError('unavailable', 'what is kept cannot be read')
      onLost(piece)
    }
  }

  arrived(piece: PieceIndex): void {
    for (const reader of [...this.#readers]) if (reader.piece === piece) reader.resolve()
  }

  /** The player asks somebody else now. */
  leave(): void {
    this.#latest = {}
  }

  close(): void {
    this.#isClosed = true
    for (const reader of [...this.#readers]) reader.resolve()
  }

  async #arrival(piece: PieceIndex, signal: AbortSignal): Promise<void> {
    await new Promise<void>((resolve) => {
      const reader: Reader = {
        piece,
        resolve: () => {
          this.#readers.delete(reader)
          signal.removeEventListener('abort', reader.resolve)
          resolve()
        },
      }
      this.#readers.add(reader)
      signal.addEventListener('abort', reader.resolve)
      if (signal.aborted || this.#isClosed) reader.resolve()
    })
    if (signal.aborted || this.#isClosed) throw new ShoalError('interrupted', 'nobody reads this any more')
  }

  #move(piece: PieceIndex, asked: object): void {
    if (asked === this.#latest) this.#parts.onMoved(piece)
  }

  /** What is here from `offset` on, and comes one after the other. */
  async #together(offset: number, bytesMax: number): Promise<Uint8Array<ArrayBuffer>> {
    const end = this.#endOfWhatIsHere(offset, bytesMax)
    const bytes = new Uint8Array(Math.max(0, end - offset))
    let at = offset
    while (at < end) {
      const part = await this.#stored(at, end)
      if (part === undefined || part.length === 0) break
      bytes.set(part, at - offset)
      at += part.length
    }
    return bytes.subarray(0, at - offset)
  }

  #endOfWhatIsHere(offset: number, bytesMax: number): number {
    const { have, watched } = this.#parts
    const most = Math.min(offset + bytesMax, watched.fileBytes)
    let piece: number = pieceAt(watched, offset)
    while (piece <= watched.last && have.has(piece as PieceIndex)) piece++
    return Math.min(most, piece * watched.layout.pieceLength - watched.fileStart)
  }

  async #stored(at: number, end: number): Promise<Uint8Array | undefined> {
    const { store, watched } = this.#parts
    const piece = pieceAt(watched, at)
    const offset = watched.fileStart + at - watched.layout.pieceStart(piece)
    const length = Math.min(end - at, watched.layout.pieceBytes(piece) - offset)
    return await store.get(piece, offset, length)
  }
}
