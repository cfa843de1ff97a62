/** A piece on its way: which blocks are here, of whom each was asked, and who gave it. */
import { BLOCK_BYTES, type PieceIndex, type PieceLayout } from '../../core/piece-layout.ts'
import type { ViewerPeer } from './viewer-peer.ts'

/** Who gave a block; the server gives what the portal has verified. */
export type Giver = ViewerPeer | 'server'

/** The gateway brings a piece in this time, or is not worth waiting for. */
const GATEWAY_MOST = 4_000

export class PieceWork {
  readonly piece: PieceIndex
  readonly bytes: Uint8Array<ArrayBuffer>
  /** When the first colleague was asked for some of it. */
  askedAt: number | undefined
  isWithServer = false
  /** It was our turn, and the gateway was asked. */
  isOfGateway = false
  readonly #givers: (Giver | undefined)[]
  readonly #asked: (ViewerPeer | undefined)[]
  #missing: number

  constructor(layout: PieceLayout, piece: PieceIndex) {
    this.piece = piece
    this.bytes = new Uint8Array(layout.pieceBytes(piece))
    this.#missing = layout.blockCount(piece)
    this.#givers = new Array<undefined>(this.#missing).fill(undefined)
    this.#asked = new Array<undefined>(this.#missing).fill(undefined)
  }

  get isWhole(): boolean {
    return this.#missing === 0
  }

  get missingBlocks(): number {
    return this.#missing
  }

  /** The gateway is waited for as a colleague is who said to fetch it, and no longer; undefined: not, or not any more. */
  ofGatewayForMs(now: number): number | undefined {
    if (!this.isOfGateway || this.askedAt === undefined) return undefined
    const askedFor = now - this.askedAt
    return askedFor > GATEWAY_MOST ? undefined : askedFor
  }

  /** By block; of a whole piece none is undefined. */
  get givers(): readonly (Giver | undefined)[] {
    return this.#givers
  }

  /** Blocks that are neither here nor asked for. */
  *open(): Generator<number> {
    for (const [block, giver] of this.#givers.entries())
      if (giver === undefined && this.#asked[block] === undefined) yield block
  }

  /** Bytes of the piece within which all that is missing lies. */
  missingSpan(): { readonly from: number; readonly end: number } | undefined {
    const first = this.#givers.indexOf(undefined)
    if (first === -1) return undefined
    const last = this.#givers.lastIndexOf(undefined)
    return { from: first * BLOCK_BYTES, end: Math.min(this.bytes.length, (last + 1) * BLOCK_BYTES) }
  }

  asked(block: number, peer: ViewerPeer): void {
    this.#asked[block] = peer
  }

  askedOf(block: number): ViewerPeer | undefined {
    return this.#asked[block]
  }

  /** The peer will not send it: it is gone, slow, or said so. */
  free(block: number, peer: ViewerPeer): void {
    if (this.#asked[block] === peer) this.#asked[block] = undefined
  }

  /** False when it was here before. */
  put(block: number, bytes: Uint8Array, giver: Giver): boolean {
    if (this.#givers[block] !== undefined) return false
    this.bytes.set(bytes, block * BLOCK_BYTES)
    this.#givers[block] = giver
    this.#asked[block] = undefined
    this.#missing--
    return true
  }
}
