/**
 * Fetching pieces: how much to ask of whom, where blocks go, and what happens when a peer is slow, gone or
 * lying. What to ask for next is decided in `block-chooser.ts`.
 */
import type { IpAddress } from '../core/address.ts'
import { BLOCK_BYTES, type PieceIndex, type PieceLayout } from '../core/piece-layout.ts'
import type { Random } from '../core/random.ts'
import { type Millis, millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { type BlockRange, encodeBlockRanges } from '../wire/peer-message.ts'
import { limits } from '../wire/limits.ts'
import { Blame } from './blame.ts'
import { BlockChooser } from './block-chooser.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Receiving } from './download-side.ts'
import type { Limiter } from './limiting/torrent-limits.ts'
import type { Peer } from './peer.ts'
import type { PieceAssembly } from './piece-assembly.ts'
import { queueBlocks, silenceAllowed } from './request-queue.ts'

export interface DownloaderParts {
  readonly clock: Clock
  readonly random: Random
  readonly pool: BufferPool
  /** Whether a block may be asked for now; a peer that waits for it is filled when it is its turn. */
  readonly limiter: Limiter<Peer>
  readonly layout: PieceLayout
  /** Whether the piece hashes to what the torrent says. */
  readonly isGood: (piece: PieceIndex, bytes: Uint8Array) => boolean
  /** A piece is whole and good; its buffer is the receiver's now. `givers`: who gave each block. */
  readonly onVerified: (piece: PieceIndex, bytes: Uint8Array, givers: readonly Peer[]) => void
  /** A piece was not what it should be. */
  readonly onSpoiled: (piece: PieceIndex, bytes: number) => void
  /** These gave bytes that spoiled a piece, beyond doubt. */
  readonly onGuilty: (addresses: readonly IpAddress[]) => void
  readonly onWasted: (bytes: number) => void
  /** Blocks can be asked for again: others may have room. */
  readonly onFreed: () => void
}

/** Requests that are sent together. */
const BATCH_BLOCKS = 16

const keyOf = (piece: number, block: number): number => piece * 0x100000 + block

export class Downloader {
  readonly #parts: DownloaderParts
  readonly #chooser: BlockChooser
  readonly #blame = new Blame()
  /** False while the disk cannot take more. */
  #isOpen = true

  constructor(parts: DownloaderParts, wanted: Iterable<PieceIndex>) {
    this.#parts = parts
    const { layout, pool, random } = parts
    const isSuspect = (piece: PieceIndex): boolean => this.#blame.isSuspect(piece)
    this.#chooser = new BlockChooser({ layout, pool, random, isSuspect }, wanted)
  }

  setOpen(isOpen: boolean): void {
    this.#isOpen = isOpen
  }

  /** The piece was there and is not any more. */
  want(piece: PieceIndex): void {
    this.#chooser.want(piece)
  }

  /** Counts what a new peer has among the copies. */
  peerCame(peer: Peer): void {
    if (peer.has.isFull || peer.down.isCounted) return
    peer.down.isCounted = true
    for (const piece of peer.has.partial()) this.#chooser.rarity.increment(piece)
  }

  peerGot(peer: Peer, piece: PieceIndex): void {
    if (peer.down.isCounted) this.#chooser.rarity.increment(piece)
    else this.peerCame(peer)
    peer.down.refused.delete(piece)
  }

  /** The peer, which had the piece, does not have it any more. */
  peerLost(peer: Peer, piece: PieceIndex): void {
    if (peer.down.isCounted) this.#chooser.rarity.decrement(piece)
    else this.peerCame(peer)
  }

  peerLeft(peer: Peer): void {
    this.release(peer)
    if (!peer.down.isCounted) return
    peer.down.isCounted = false
    // One that has become full since was still counted piece by piece.
    if (peer.has.isFull)
      for (const piece of this.#parts.layout.indices()) this.#chooser.rarity.decrement(piece)
    else for (const piece of peer.has.partial()) this.#chooser.rarity.decrement(piece)
  }

  /** Asks the peer for as much as it should have on its way to us. */
  fill(peer: Peer): void {
    if (!this.#isOpen || peer.isChokingUs || peer.isClosed || !peer.areWeInterested) return
    const now = this.#parts.clock.now()
    const target = queueBlocks({
      rateBps: peer.down.meter.rate(now),
      roundTrip: peer.down.roundTrip,
      requestsInMax: peer.requestsInMax,
      isSnubbing: peer.down.isSnubbing,
    })
    const room = target - peer.down.requests.size
    // Many small messages cost more than one: with a long queue, wait until there is room for several.
    if (room < Math.min(BATCH_BLOCKS, target / 4)) return
    const ranges: BlockRange[] = []
    while (peer.down.requests.size < target) {
      if (!this.#parts.limiter.take(peer, BLOCK_BYTES)) break
      const range = this.#askNext(peer, now)
      if (range === undefined) {
        this.#parts.limiter.giveBack(peer, BLOCK_BYTES)
        break
      }
      ranges.push(range)
    }
    if (ranges.length > 0) peer.sendBytes(encodeBlockRanges('request', ranges))
  }

  #askNext(peer: Peer, now: Millis): BlockRange | undefined {
    const next = this.#chooser.next(peer)
    if (next === undefined) return undefined
    const { assembly, block } = next
    if (peer.down.requests.size === 0) peer.down.activeAt = now
    assembly.asked(block, peer)
    const key = keyOf(assembly.piece, block)
    peer.down.late.delete(key)
    peer.down.requests.set(key, { assembly, block, sentAt: now })
    return this.#rangeOf(assembly.piece, block)
  }

  #rangeOf(piece: PieceIndex, block: number): BlockRange {
    return { piece, offset: block * BLOCK_BYTES, length: this.#parts.layout.blockBytes(piece, block) }
  }

  /** A block begins to arrive: answers where it goes, or undefined when it is of no use. */
  placeFor(peer: Peer, pieceNumber: number, offset: number, length: number): Uint8Array | undefined {
    const block = offset / BLOCK_BYTES
    const piece = this.#parts.layout.index(pieceNumber)
    const key = keyOf(pieceNumber, block)
    const isLate = !peer.down.requests.has(key)
    if (isLate) this.#parts.limiter.charge(peer, length)
    const wasAsked = !isLate || peer.down.late.delete(key)
    if (piece === undefined || !wasAsked || length !== this.#parts.layout.blockBytes(piece, block)) {
      peer.sentUnasked(length)
      peer.down.receiving = { key: -1, assembly: undefined, block: 0, length, scratch: undefined }
      return undefined
    }
    const assembly = this.#chooser.get(piece)
    if (assembly === undefined || assembly.has(block)) {
      peer.down.receiving = { key, assembly: undefined, block, length, scratch: undefined }
      return undefined
    }
    const room = assembly.roomFor(block, length, peer)
    const scratch = room === undefined ? new Uint8Array(length) : undefined
    peer.down.receiving = { key, assembly, block, length, scratch }
    return room ?? scratch
  }

  /** The block that began to arrive is whole. */
  blockArrived(peer: Peer): void {
    const receiving = peer.down.receiving
    if (receiving === undefined) return
    const now = this.#parts.clock.now()
    peer.down.receiving = undefined
    peer.down.meter.add(receiving.length, now)
    peer.down.activeAt = now
    peer.down.isSnubbing = false
    const request = peer.down.requests.get(receiving.key)
    if (request !== undefined) {
      peer.down.requests.delete(receiving.key)
      peer.down.noteRoundTrip(millis(now - request.sentAt))
    }
    this.#keep(peer, receiving)
  }

  #keep(peer: Peer, receiving: Receiving): void {
    const { assembly, block, scratch } = receiving
    assembly?.leaveRoom(block, peer)
    if (assembly === undefined || assembly.isClosed || assembly.has(block)) {
      this.#parts.onWasted(receiving.length)
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
    for (const other of assembly.received(block, peer)) this.#cancel(other, assembly, block)
    if (assembly.isWhole) this.#finish(assembly)
  }

  #cancel(peer: Peer, assembly: PieceAssembly, block: number): void {
    const key = keyOf(assembly.piece, block)
    if (!peer.down.requests.delete(key)) return
    peer.down.late.add(key)
    this.#parts.limiter.giveBack(peer, BLOCK_BYTES)
    peer.send({ kind: 'cancel', ...this.#rangeOf(assembly.piece, block) })
  }

  #finish(assembly: PieceAssembly): void {
    const givers = assembly.givers()
    this.#chooser.close(assembly)
    if (this.#parts.isGood(assembly.piece, assembly.bytes)) {
      for (const giver of givers) giver.down.isProven = true
      const guilty = this.#blame.verified(assembly.piece, assembly.bytes)
      this.#parts.onVerified(assembly.piece, assembly.bytes, givers)
      if (guilty.length > 0) this.#parts.onGuilty(guilty)
      return
    }
    for (const giver of givers) giver.down.isProven = false
    const addresses = givers.map((giver) => giver.address)
    const guilty = this.#blame.failed(assembly.piece, assembly.bytes, addresses)
    this.#parts.onSpoiled(assembly.piece, assembly.bytes.length)
    this.#parts.pool.release(assembly.bytes)
    this.#chooser.rarity.add(assembly.piece)
    if (guilty.length > 0) this.#parts.onGuilty(guilty)
    this.#parts.onFreed()
  }

  /** The peer says that it will not send the block. */
  rejected(peer: Peer, range: BlockRange): void {
    const key = keyOf(range.piece, range.offset / BLOCK_BYTES)
    const request = peer.down.requests.get(key)
    peer.down.late.delete(key)
    if (request === undefined) return
    peer.down.requests.delete(key)
    this.#parts.limiter.giveBack(peer, BLOCK_BYTES)
    if (!peer.isChokingUs) peer.down.refused.add(request.assembly.piece)
    this.#giveBack(peer, request.assembly, request.block)
    this.#disown(peer, request.assembly)
    this.#parts.onFreed()
  }

  /** It has choked us, is silent or gone: what was asked of it is free for others. */
  release(peer: Peer): void {
    const { receiving } = peer.down
    if (receiving?.assembly !== undefined) {
      peer.dropRoom()
      receiving.assembly.leaveRoom(receiving.block, peer)
      peer.down.receiving = { ...receiving, assembly: undefined }
    }
    for (const [key, request] of peer.down.requests) {
      peer.down.late.add(key)
      this.#giveBack(peer, request.assembly, request.block)
    }
    this.#parts.limiter.giveBack(peer, peer.down.requests.size * BLOCK_BYTES)
    peer.down.requests.clear()
    for (const assembly of [...peer.down.pieces]) this.#disown(peer, assembly)
    if (peer.down.late.size > 2 * limits.requestsOutMax) peer.down.late.clear()
    this.#parts.onFreed()
  }

  #giveBack(peer: Peer, assembly: PieceAssembly, block: number): void {
    assembly.unask(block, peer)
    if (!assembly.isClosed && assembly.isIdle) this.#abandon(assembly)
  }

  #disown(peer: Peer, assembly: PieceAssembly): void {
    if (assembly.owner !== peer) return
    assembly.owner = undefined
    peer.down.pieces.delete(assembly)
    if (assembly.isClosed) return
    // What must come from one peer starts again with another.
    if (assembly.isExclusive || assembly.isIdle) this.#abandon(assembly)
  }

  #abandon(assembly: PieceAssembly): void {
    this.#chooser.close(assembly)
    this.#chooser.rarity.add(assembly.piece)
    for (let block = 0; block < assembly.blocks; block++) assembly.writerOf(block)?.dropRoom()
    this.#parts.pool.release(assembly.bytes)
  }

  /** Takes the requests of a peer that owes us blocks and has been silent for too long. True when it did. */
  snubIfSilent(peer: Peer): boolean {
    const { down } = peer
    if (down.requests.size === 0 || down.activeAt === undefined) return false
    const now = this.#parts.clock.now()
    if (now - down.activeAt <= silenceAllowed(down.meter.rate(now))) return false
    down.isSnubbing = true
    down.activeAt = now
    this.release(peer)
    return true
  }
}
