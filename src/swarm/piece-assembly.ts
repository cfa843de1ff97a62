/** One piece on its way: which of its blocks are free, asked for, here; who was asked, who gave. */
import { BLOCK_BYTES, type PieceIndex } from '../core/piece-layout.ts'
import type { Peer } from './peer.ts'

export interface AssemblyOptions {
  readonly piece: PieceIndex
  readonly blocks: number
  /** It failed before with blocks of several peers: one peer must bring all of it. */
  readonly isExclusive: boolean
}

export class PieceAssembly {
  readonly piece: PieceIndex
  readonly blocks: number
  readonly isExclusive: boolean
  /** A pooled buffer, as long as the piece. */
  readonly bytes: Uint8Array
  /** Who asks for its blocks in order; others help only when there is nothing else for them. */
  owner: Peer | undefined
  receivedBlocks = 0
  isClosed = false
  readonly #givers: (Peer | undefined)[]
  readonly #askers: Peer[][]
  /** Peers whose block is being copied straight into `bytes`. */
  readonly #incoming = new Map<number, Peer>()
  /** All blocks below are asked for or here. */
  #firstFree = 0

  constructor(bytes: Uint8Array, options: AssemblyOptions) {
    this.bytes = bytes
    this.piece = options.piece
    this.blocks = options.blocks
    this.isExclusive = options.isExclusive
    this.#givers = new Array<undefined>(options.blocks).fill(undefined)
    this.#askers = Array.from({ length: options.blocks }, () => [])
  }

  /** The first block that nobody was asked for. */
  firstFree(): number | undefined {
    while (this.#firstFree < this.blocks && !this.#isFree(this.#firstFree)) this.#firstFree++
    return this.#firstFree < this.blocks ? this.#firstFree : undefined
  }

  /** A block that is asked for, but not of `peer` and of fewer than `askersMax`. */
  duplicable(peer: Peer, askersMax: number): number | undefined {
    for (let block = 0; block < this.blocks; block++) {
      if (this.has(block)) continue
      const askers = this.#askers[block] ?? []
      if (askers.length < askersMax && !askers.includes(peer)) return block
    }
    return undefined
  }

  /** Who was asked for the block and has not brought it. */
  askersOf(block: number): readonly Peer[] {
    return this.#askers[block] ?? []
  }

  has(block: number): boolean {
    return this.#givers[block] !== undefined
  }

  get isWhole(): boolean {
    return this.receivedBlocks === this.blocks
  }

  get isIdle(): boolean {
    return this.receivedBlocks === 0 && this.owner === undefined && this.#askers.every((a) => a.length === 0)
  }

  /** Nobody was asked for any of it, though some of it is here. */
  get isWaiting(): boolean {
    return this.owner === undefined && this.#incoming.size === 0 && this.#askers.every((a) => a.length === 0)
  }

  asked(block: number, peer: Peer): void {
    this.#askers[block]?.push(peer)
  }

  /** The peer will not bring the block after all. */
  unask(block: number, peer: Peer): void {
    const askers = this.#askers[block]
    const at = askers?.indexOf(peer) ?? -1
    if (at >= 0) askers?.splice(at, 1)
    if (this.#isFree(block)) this.#firstFree = Math.min(this.#firstFree, block)
  }

  /** Room for a block, or undefined while another peer is in the middle of the same one. */
  roomFor(block: number, length: number, peer: Peer): Uint8Array | undefined {
    if (this.#incoming.has(block)) return undefined
    this.#incoming.set(block, peer)
    return this.bytes.subarray(block * BLOCK_BYTES, block * BLOCK_BYTES + length)
  }

  /** The peer's stream into the room of {@link roomFor} has ended, whole or not. */
  leaveRoom(block: number, peer: Peer): void {
    if (this.#incoming.get(block) === peer) this.#incoming.delete(block)
  }

  /** Who is copying into the block's room. */
  writerOf(block: number): Peer | undefined {
    return this.#incoming.get(block)
  }

  /** The block is here. Answers the others who were asked for it. */
  received(block: number, giver: Peer): readonly Peer[] {
    if (!this.has(block)) {
      this.#givers[block] = giver
      this.receivedBlocks++
    }
    const others = (this.#askers[block] ?? []).filter((asker) => asker !== giver)
    this.#askers[block] = []
    return others
  }

  /** Who gave each block, once it is whole. */
  givers(): readonly Peer[] {
    return this.#givers.filter((giver) => giver !== undefined)
  }

  #isFree(block: number): boolean {
    return !this.has(block) && (this.#askers[block]?.length ?? 0) === 0
  }
}
