/** The pieces on their way, each with its memory; a process that dies loses them, and what is not written yet. */
import type { PieceIndex, PieceLayout } from '../core/piece-layout.ts'
import { MiB } from '../core/units.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Copies } from './copies.ts'
import { PieceAssembly } from './piece-assembly.ts'

export interface BegunPiecesParts {
  readonly layout: PieceLayout
  readonly pool: BufferPool
  readonly copies: Copies
  /** One peer must bring all of it. */
  readonly isSuspect: (piece: PieceIndex) => boolean
  /** Of whole pieces that the disk has not taken. */
  readonly unwrittenBytes: () => number
}

/** Not written yet: what a process that dies has to fetch again. Where a piece is larger than half of this, two pieces. */
export const UNWRITTEN_BYTES_MAX = 16 * MiB

export class BegunPieces {
  readonly #parts: BegunPiecesParts
  readonly #assemblies = new Map<PieceIndex, PieceAssembly>()
  #unfinishedBytes = 0

  constructor(parts: BegunPiecesParts) {
    this.#parts = parts
  }

  get(piece: PieceIndex): PieceAssembly | undefined {
    return this.#assemblies.get(piece)
  }

  has(piece: PieceIndex): boolean {
    return this.#assemblies.has(piece)
  }

  values(): Iterable<PieceAssembly> {
    return this.#assemblies.values()
  }

  /** Also when there is no room. */
  open(piece: PieceIndex): PieceAssembly {
    const known = this.#assemblies.get(piece)
    if (known !== undefined) return known
    this.#makeRoom()
    return this.#start(piece)
  }

  /** Undefined when as much is unfinished as may be. */
  startIfRoom(piece: PieceIndex): PieceAssembly | undefined {
    return this.#makeRoom() && this.#isWithin(this.#parts.unwrittenBytes()) ? this.#start(piece) : undefined
  }

  /** It is whole, or given up: its buffer is the caller's now. */
  close(assembly: PieceAssembly): void {
    assembly.isClosed = true
    assembly.owner?.down.pieces.delete(assembly)
    this.#assemblies.delete(assembly.piece)
    this.#unfinishedBytes -= assembly.bytes.length
  }

  #start(piece: PieceIndex): PieceAssembly {
    const { layout, pool, copies, isSuspect } = this.#parts
    copies.close(piece)
    const size = layout.pieceBytes(piece)
    const assembly = new PieceAssembly(pool.acquire(size), {
      piece,
      blocks: layout.blockCount(piece),
      isExclusive: isSuspect(piece),
    })
    this.#assemblies.set(piece, assembly)
    this.#unfinishedBytes += size
    return assembly
  }

  /**
   * False when as much is unfinished as may be. Pieces that wait for a peer that does not come, since it is the
   * only one that has them, must not keep us from all others: the one with the least of it here is given up.
   */
  #makeRoom(): boolean {
    while (!this.#isWithin(0)) {
      const waiting = [...this.#assemblies.values()].filter((assembly) => assembly.isWaiting)
      const least = waiting.toSorted((a, b) => a.receivedBlocks - b.receivedBlocks)[0]
      if (least === undefined) return false
      this.close(least)
      this.#parts.copies.open(least.piece)
      this.#parts.pool.release(least.bytes)
    }
    return true
  }

  /** Whether one more may be begun. One may always be unfinished, and one unwritten, however large. */
  #isWithin(unwrittenBytes: number): boolean {
    const { pieceLength } = this.#parts.layout
    if (this.#assemblies.size === 0 && unwrittenBytes <= pieceLength) return true
    return this.#unfinishedBytes + unwrittenBytes + pieceLength <= UNWRITTEN_BYTES_MAX
  }
}
