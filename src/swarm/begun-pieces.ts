/** The pieces on their way, each with its memory; a process that dies loses them. */
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
}

/** This much at most is fetched again. */
const UNFINISHED_BYTES_MAX = 16 * MiB

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
    return this.#makeRoom() ? this.#start(piece) : undefined
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
    while (this.#isFull) {
      const waiting = [...this.#assemblies.values()].filter((assembly) => assembly.isWaiting)
      const least = waiting.toSorted((a, b) => a.receivedBlocks - b.receivedBlocks)[0]
      if (least === undefined) return false
      this.close(least)
      this.#parts.copies.open(least.piece)
      this.#parts.pool.release(least.bytes)
    }
    return true
  }

  /** One piece may always be unfinished, however large. */
  get #isFull(): boolean {
    const { pieceLength } = this.#parts.layout
    return this.#assemblies.size > 0 && this.#unfinishedBytes + pieceLength > UNFINISHED_BYTES_MAX
  }
}
