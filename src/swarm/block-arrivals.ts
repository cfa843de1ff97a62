/** Where arriving blocks go, and what becomes of those that were asked for twice, taken back, or never asked for. */
import { BLOCK_BYTES, type PieceIndex, type PieceLayout } from '../core/piece-layout.ts'
import { type Millis, millis } from '../core/units.ts'
import { keyOfBlock, type OutRequest, type Receiving } from './download-side.ts'
import type { Peer } from './peer.ts'
import type { PieceAssembly } from './piece-assembly.ts'

export interface BlockArrivalsParts {
  readonly layout: PieceLayout
  /** The piece that is on its way. */
  readonly assemblyOf: (piece: PieceIndex) => PieceAssembly | undefined
  /** The block is kept; `others` were asked for it too. */
  readonly onKept: (assembly: PieceAssembly, block: number, others: readonly Peer[]) => void
  /** It comes though nobody waits for it, or nobody does any more. */
  readonly onUnasked: (peer: Peer, bytes: number) => void
  readonly onWasted: (bytes: number) => void
  /** What the request was for did not come of it. */
  readonly onUseless: (peer: Peer, request: OutRequest) => void
}

export class BlockArrivals {
  readonly #parts: BlockArrivalsParts

  constructor(parts: BlockArrivalsParts) {
    this.#parts = parts
  }

  /** A block begins to arrive: answers where it goes, or undefined when it is of no use. */
  placeFor(peer: Peer, pieceNumber: number, offset: number, length: number): Uint8Array | undefined {
    const block = offset / BLOCK_BYTES
    const piece = this.#parts.layout.index(pieceNumber)
    const key = keyOfBlock(pieceNumber, block)
    const isLate = !peer.down.requests.has(key)
    // The answer to an older request: the one to the newer comes too.
    if (peer.down.rejectsDue.delete(key) && !isLate) peer.down.late.add(key)
    if (isLate) this.#parts.onUnasked(peer, length)
    const wasAsked = !isLate || peer.down.late.delete(key)
    if (piece === undefined || !wasAsked || length !== this.#parts.layout.blockBytes(piece, block)) {
      peer.sentUnasked(length)
      peer.down.receiving = { key: -1, assembly: undefined, block: 0, length, scratch: undefined }
      return undefined
    }
    const assembly = this.#parts.assemblyOf(piece)
    if (assembly === undefined || assembly.has(block)) {
      peer.down.receiving = { key, assembly: undefined, block, length, scratch: undefined }
      return undefined
    }
    const room = assembly.roomFor(block, length, peer)
    const scratch = room === undefined ? new Uint8Array(length) : undefined
    peer.down.receiving = { key, assembly, block, length, scratch }
    return room ?? scratch
  }

  /** The block that began to arrive is whole. Answers its bytes, or undefined when none had begun. */
  arrived(peer: Peer, now: Millis): number | undefined {
    const { receiving } = peer.down
    if (receiving === undefined) return undefined
    peer.down.receiving = undefined
    peer.down.activeAt = now
    peer.down.isSnubbing = false
    const request = peer.down.settled(receiving.key)
    if (request !== undefined) peer.down.noteRoundTrip(millis(now - request.sentAt))
    this.#keep(peer, receiving)
    // It was taken back and asked for again while the first copy was under way: that one came, and was of no use.
    if (request !== undefined && !request.assembly.isClosed && !request.assembly.has(request.block)) {
      peer.down.late.add(receiving.key)
      this.#parts.onUseless(peer, request)
    }
    return receiving.length
  }

  #keep(peer: Peer, { assembly, block, scratch, length }: Receiving): void {
    assembly?.leaveRoom(block, peer)
    if (assembly === undefined || assembly.isClosed || assembly.has(block)) {
      this.#parts.onWasted(length)
      return
    }
    if (scratch !== undefined) {
      const writer = assembly.writerOf(block)
      if (writer !== undefined) {
        writer.dropRoom()
        assembly.leaveRoom(block, writer)
      }
      assembly.bytes.set(scratch, block * BLOCK_BYTES)
    }
    this.#parts.onKept(assembly, block, assembly.received(block, peer))
  }
}
