/**
 * What to ask of a peer next, and the pieces on their way. What a reader waits for comes before everything
 * (`deadlines.ts`). Then, in this order: blocks of its own pieces; pieces that
 * somebody left unfinished; the rarest piece that nobody fetches; blocks that others were not asked for; and at
 * the very end a second copy of what others were.
 */
import type { PieceIndex, PieceLayout } from '../core/piece-layout.ts'
import type { Random } from '../core/random.ts'
import { MiB, type Millis } from '../core/units.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Deadlines, UrgentBoard } from './deadlines.ts'
import type { Peer } from './peer.ts'
import { PieceAssembly } from './piece-assembly.ts'
import { RarityIndex } from './rarity-index.ts'

export interface BlockChooserParts {
  readonly layout: PieceLayout
  readonly pool: BufferPool
  readonly random: Random
  /** One peer must bring all of it. */
  readonly isSuspect: (piece: PieceIndex) => boolean
  readonly deadlines: Deadlines
}

export interface ChosenBlock {
  readonly assembly: PieceAssembly
  readonly block: number
}

/** Pieces that are not whole are lost when the process dies: this much at most is fetched again. */
const UNFINISHED_BYTES_MAX = 16 * MiB
/** A second copy of the last blocks: of how many peers at most, and how many at once from a peer. */
const ASKERS_MAX = 2
const DUPLICATES_MAX = 2

export class BlockChooser implements UrgentBoard {
  readonly rarity: RarityIndex
  readonly #parts: BlockChooserParts
  readonly #assemblies = new Map<PieceIndex, PieceAssembly>()
  #unfinishedBytes = 0

  constructor(parts: BlockChooserParts, wanted: Iterable<PieceIndex>) {
    this.#parts = parts
    this.rarity = new RarityIndex(parts.layout.count)
    for (const piece of wanted) this.rarity.add(piece)
  }

  get(piece: PieceIndex): PieceAssembly | undefined {
    return this.#assemblies.get(piece)
  }

  /** The piece is to be fetched, if it is not on its way. */
  want(piece: PieceIndex): void {
    if (!this.#assemblies.has(piece)) this.rarity.add(piece)
  }

  isOpen(piece: PieceIndex): boolean {
    return this.#assemblies.has(piece) || this.rarity.has(piece)
  }

  copiesOf(piece: PieceIndex): number {
    return this.rarity.copiesOf(piece)
  }

  /** What is urgent is begun also when there is no room: no more of it than peers are asked for at once. */
  open(piece: PieceIndex): PieceAssembly {
    const known = this.#assemblies.get(piece)
    if (known !== undefined) return known
    this.#makeRoom()
    return this.#start(piece)
  }

  /** The piece is whole, or given up: its buffer is the caller's now. */
  close(assembly: PieceAssembly): void {
    assembly.isClosed = true
    assembly.owner?.down.pieces.delete(assembly)
    this.#assemblies.delete(assembly.piece)
    this.#unfinishedBytes -= assembly.bytes.length
  }

  /** Undefined when there is nothing that the peer can help with. */
  next(peer: Peer, now: Millis): ChosenBlock | undefined {
    const { deadlines, layout } = this.#parts
    const urgent = deadlines.next(peer, this, { layout, now })
    if (urgent !== undefined) return urgent
    for (const assembly of peer.down.pieces) {
      const block = assembly.firstFree()
      if (block !== undefined) return { assembly, block }
    }
    // One piece at a time from a stranger: a liar costs one piece, an honest peer one round trip.
    if (!peer.down.isProven && peer.down.pieces.size > 0) return undefined
    const own = this.#leftUnfinished(peer) ?? this.#startRarest(peer)
    if (own !== undefined) {
      own.owner = peer
      peer.down.pieces.add(own)
      const block = own.firstFree()
      return block === undefined ? undefined : { assembly: own, block }
    }
    return this.#helpOthers(peer) ?? this.#duplicate(peer)
  }

  #leftUnfinished(peer: Peer): PieceAssembly | undefined {
    let best: PieceAssembly | undefined
    for (const assembly of this.#assemblies.values()) {
      if (assembly.owner !== undefined || !this.#maybeFrom(peer, assembly.piece)) continue
      if (assembly.firstFree() === undefined) continue
      if (best === undefined || assembly.receivedBlocks > best.receivedBlocks) best = assembly
    }
    return best
  }

  #startRarest(peer: Peer): PieceAssembly | undefined {
    const piece = this.rarity.find((p) => this.#maybeFrom(peer, p), this.#parts.random)
    return piece === undefined || !this.#makeRoom() ? undefined : this.#start(piece)
  }

  #start(piece: PieceIndex): PieceAssembly {
    const { layout, pool } = this.#parts
    this.rarity.remove(piece)
    const size = layout.pieceBytes(piece)
    const assembly = new PieceAssembly(pool.acquire(size), {
      piece,
      blocks: layout.blockCount(piece),
      isExclusive: this.#parts.isSuspect(piece),
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
      this.rarity.add(least.piece)
      this.#parts.pool.release(least.bytes)
    }
    return true
  }

  /** One piece may always be unfinished, however large. */
  get #isFull(): boolean {
    const { pieceLength } = this.#parts.layout
    return this.#assemblies.size > 0 && this.#unfinishedBytes + pieceLength > UNFINISHED_BYTES_MAX
  }

  #helpOthers(peer: Peer): ChosenBlock | undefined {
    for (const assembly of this.#assemblies.values()) {
      if (assembly.isExclusive || !this.#maybeFrom(peer, assembly.piece)) continue
      const block = assembly.firstFree()
      if (block !== undefined) return { assembly, block }
    }
    return undefined
  }

  #duplicate(peer: Peer): ChosenBlock | undefined {
    if (this.rarity.size > 0 || peer.down.requests.size >= DUPLICATES_MAX) return undefined
    for (const assembly of this.#assemblies.values()) {
      if (assembly.isExclusive || !this.#maybeFrom(peer, assembly.piece)) continue
      const block = assembly.duplicable(peer, ASKERS_MAX)
      if (block !== undefined) return { assembly, block }
    }
    return undefined
  }

  #maybeFrom(peer: Peer, piece: PieceIndex): boolean {
    return peer.has.has(piece) && !peer.down.refused.has(piece)
  }
}
