/** What a fetching peer has asked for, lacks and sees: pieces in random order, each block once. Pure. */
import type { PieceIndex, PieceLayout } from '../../src/core/piece-layout.ts'
import type { BlockRange } from '../../src/wire/peer-message.ts'

export class BlockQueue {
  readonly layout: PieceLayout
  readonly #random: () => number
  readonly #seen = new Set<PieceIndex>()
  /** Seen, and not begun. */
  readonly #open: PieceIndex[] = []
  /** Blocks of pieces that are begun, the next to be asked for last. */
  readonly #ready: BlockRange[] = []
  /** Blocks that have not come, by piece that is begun. */
  readonly #left = new Map<PieceIndex, number>()
  #asked = 0
  #whole = 0

  constructor(layout: PieceLayout, random: () => number) {
    this.layout = layout
    this.#random = random
  }

  /** The other side has it; whatever is no piece of ours is nothing to us. */
  offered(piece: number): void {
    const index = this.layout.index(piece)
    if (index === undefined || this.#seen.has(index)) return
    this.#seen.add(index)
    this.#open.push(index)
  }

  offeredAll(): void {
    for (const piece of this.layout.indices()) this.offered(piece)
  }

  /** As a bitfield has them: the first piece is the highest bit. */
  offeredBits(bits: Uint8Array): void {
    for (const piece of this.layout.indices())
      if (((bits[piece >> 3] ?? 0) & (0x80 >> (piece & 7))) !== 0) this.offered(piece)
  }

  get isAnythingOpen(): boolean {
    return this.#open.length + this.#ready.length > 0
  }

  get isDone(): boolean {
    return this.#whole === this.layout.count
  }

  /** The next to ask for, when fewer than `askedMax` are on their way. */
  next(askedMax: number): BlockRange | undefined {
    if (this.#asked >= askedMax) return undefined
    if (this.#ready.length === 0) this.#begin()
    const block = this.#ready.pop()
    if (block !== undefined) this.#asked++
    return block
  }

  refused(block: BlockRange): void {
    this.#asked--
    this.#ready.push({ piece: block.piece, offset: block.offset, length: block.length })
  }

  /** Answers the piece when this was its last block. */
  arrived(block: BlockRange): PieceIndex | undefined {
    this.#asked--
    const piece = this.layout.index(block.piece)
    const left = piece === undefined ? undefined : this.#left.get(piece)
    if (piece === undefined || left === undefined) return undefined
    this.#left.set(piece, left - 1)
    if (left > 1) return undefined
    this.#left.delete(piece)
    this.#whole++
    return piece
  }

  #begin(): void {
    const at = Math.floor(this.#random() * this.#open.length)
    const piece = this.#open[at]
    const last = this.#open.pop()
    if (piece === undefined || last === undefined) return
    if (last !== piece) this.#open[at] = last
    const blocks = this.layout.blockCount(piece)
    this.#left.set(piece, blocks)
    for (let block = blocks - 1; block >= 0; block--) this.#ready.push(this.layout.rangeOf(piece, block))
  }
}
