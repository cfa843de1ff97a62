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
import { Blame } from './blame.ts'
import { BlockArrivals } from './block-arrivals.ts'
import { BlockChooser } from './block-chooser.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Deadlines } from './deadlines.ts'
import { DividedPieces } from './divided-pieces.ts'
import { keyOfBlock, type OutRequest } from './download-side.ts'
import type { Limiter } from './limiting/torrent-limits.ts'
import type { Peer } from './peer.ts'
import type { PieceAssembly } from './piece-assembly.ts'
import { silenceAllowed } from './request-queue.ts'
import type { SiteWork } from './site/site-work.ts'
import { Sources } from './sources.ts'
import { WholePieces } from './whole-pieces.ts'

export interface DownloaderParts {
  readonly clock: Clock
  readonly random: Random
  readonly pool: BufferPool
  /** Whether a block may be asked for now; a peer that waits for it is filled when it is its turn. */
  readonly limiter: Limiter<Peer>
  readonly layout: PieceLayout
  readonly site: SiteWork
  readonly deadlines: Deadlines
  /** Whether the piece hashes to what the torrent says. */
  readonly isGood: (piece: PieceIndex, bytes: Uint8Array) => boolean
  /** A piece is whole and good; its buffer is the receiver's now. `givers`: who gave each block. */
  readonly onVerified: (piece: PieceIndex, bytes: Uint8Array, givers: readonly Peer[]) => void
  /** A piece was not what it should be. */
  readonly onSpoiled: (piece: PieceIndex, bytes: number) => void
  /** These gave bytes that spoiled a piece, beyond doubt. */
  readonly onGuilty: (addresses: readonly IpAddress[]) => void
  readonly onWasted: (bytes: number) => void
  /** Of pieces that were verified and that the disk has not taken. */
  readonly unwrittenBytes: () => number
  /** Blocks can be asked for again: others may have room. */
  readonly onFreed: () => void
}

/** Requests that are sent together. */
const BATCH_BLOCKS = 16

export class Downloader {
  readonly sources: Sources
  readonly divided: DividedPieces
  /** Pieces that no peer brings. */
  readonly whole: WholePieces
  readonly #parts: DownloaderParts
  readonly #chooser: BlockChooser
  readonly #arrivals: BlockArrivals
  readonly #blame = new Blame()
  /** False while the disk cannot take more. */
  #isOpen = true

  constructor(parts: DownloaderParts, wanted: Iterable<PieceIndex>) {
    this.#parts = parts
    const { layout, pool, random, site, deadlines, unwrittenBytes } = parts
    const isSuspect = (piece: PieceIndex): boolean => this.#blame.isSuspect(piece)
    this.sources = new Sources(parts)
    const { copies } = this.sources
    const chooserParts = { layout, pool, random, site, copies, isSuspect, deadlines, unwrittenBytes }
    this.#chooser = new BlockChooser(chooserParts, wanted)
    this.#arrivals = new BlockArrivals({
      layout,
      assemblyOf: (piece) => this.#chooser.get(piece),
      onKept: (assembly, block, others) => this.#onKept(assembly, block, others),
      onUnasked: (peer, bytes) => parts.limiter.charge(peer, bytes),
      onWasted: parts.onWasted,
      onUseless: (peer, { assembly, block }) => {
        this.#giveBack(peer, assembly, block)
        parts.onFreed()
      },
    })
    const letGo = (assembly: PieceAssembly): void => this.#letGo(assembly)
    this.divided = new DividedPieces({ chooser: this.#chooser, site, letGo })
    this.whole = new WholePieces({ ...parts, chooser: this.#chooser, blame: this.#blame })
  }

  setOpen(isOpen: boolean): void {
    this.#isOpen = isOpen
  }

  /** The piece was there and is not any more. */
  want(piece: PieceIndex): void {
    this.#chooser.want(piece)
  }

  peerGot(peer: Peer, piece: PieceIndex): void {
    if (peer.source === 'site' && this.sources.copies.near.copiesOf(piece) === 0) this.#parts.site.brought()
    this.sources.got(peer, piece)
    peer.down.refused.delete(piece)
    peer.down.idleUntil = millis(0)
    if (peer.source !== 'site') return
    if (this.sources.copies.isNearSlow) this.#parts.site.claims.arrived(piece, peer.id)
    else this.divided.isHere(piece, peer)
  }

  peerLeft(peer: Peer): void {
    this.release(peer)
    this.sources.left(peer)
  }

  /** Takes back all that was asked for it. */
  #letGo(assembly: PieceAssembly): void {
    for (let block = 0; block < assembly.blocks; block++)
      for (const asker of [...assembly.askersOf(block)]) {
        assembly.unask(block, asker)
        this.#cancel(asker, assembly, block)
      }
    const { owner } = assembly
    if (owner !== undefined) {
      assembly.owner = undefined
      owner.down.pieces.delete(assembly)
    }
    if (assembly.isIdle) this.#abandon(assembly)
    this.#parts.onFreed()
  }

  /** Asks the peer for as much as it should have on its way to us. */
  fill(peer: Peer): void {
    if (!this.#isOpen || peer.isChokingUs || peer.isClosed || !peer.areWeInterested) return
    const now = this.#parts.clock.now()
    const target = this.sources.blocksWanted(peer, now)
    const room = target - peer.down.owed
    // Many small messages cost more than one: with a long queue, wait until there is room for several.
    if (room < Math.min(BATCH_BLOCKS, target / 4)) return
    const ranges: BlockRange[] = []
    while (peer.down.owed < target) {
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

  /** Takes back what the peer was asked for of these pieces, and has not begun to send. */
  takeBack(peer: Peer, suits: (piece: PieceIndex) => boolean): void {
    const how = { isAnswered: peer.hasFast, now: this.#parts.clock.now() }
    const taken = peer.down.takeBack(suits, how)
    for (const { assembly, block } of taken)
      peer.send({ kind: 'cancel', ...this.#parts.layout.rangeOf(assembly.piece, block) })
    if (!peer.hasFast) this.#free(peer, taken)
  }

  /** Cancels that the peer has left unanswered for too long are waited for no more. */
  mindCancels(peer: Peer): void {
    const overdue = peer.down.unanswered(this.#parts.clock.now())
    if (overdue.length === 0) return
    this.#free(peer, overdue)
    this.#parts.onFreed()
  }

  #free(peer: Peer, requests: readonly OutRequest[]): void {
    this.#parts.limiter.giveBack(peer, requests.length * BLOCK_BYTES)
    for (const { assembly, block } of requests) this.#giveBack(peer, assembly, block)
  }

  #askNext(peer: Peer, now: Millis): BlockRange | undefined {
    const next = this.#chooser.next(peer, now)
    if (next === undefined) return undefined
    const { assembly, block } = next
    if (peer.down.requests.size === 0) peer.down.activeAt = now
    assembly.asked(block, peer)
    const key = keyOfBlock(assembly.piece, block)
    peer.down.late.delete(key)
    peer.down.asked(key, { assembly, block, sentAt: now })
    return this.#parts.layout.rangeOf(assembly.piece, block)
  }

  placeFor(peer: Peer, piece: number, offset: number, length: number): Uint8Array | undefined {
    return this.#arrivals.placeFor(peer, piece, offset, length)
  }

  blockArrived(peer: Peer): void {
    const now = this.#parts.clock.now()
    const bytes = this.#arrivals.arrived(peer, now)
    if (bytes !== undefined) this.sources.received(peer, bytes, now)
  }

  #onKept(assembly: PieceAssembly, block: number, others: readonly Peer[]): void {
    for (const other of others) this.#cancel(other, assembly, block)
    this.#parts.site.moved(assembly.piece)
    if (assembly.isWhole) this.#finish(assembly)
  }

  #cancel(peer: Peer, assembly: PieceAssembly, block: number): void {
    const key = keyOfBlock(assembly.piece, block)
    const request = peer.down.settled(key)
    if (request === undefined) return
    peer.down.late.add(key)
    this.#parts.limiter.giveBack(peer, BLOCK_BYTES)
    if (peer.hasFast) peer.down.rejectsDue.add(key)
    if (!request.wasOurWish)
      peer.send({ kind: 'cancel', ...this.#parts.layout.rangeOf(assembly.piece, block) })
  }

  #finish(assembly: PieceAssembly): void {
    const givers = assembly.givers()
    this.#chooser.close(assembly)
    if (this.#parts.isGood(assembly.piece, assembly.bytes)) {
      for (const giver of givers) giver.down.isProven = true
      const guilty = this.#blame.verified(assembly.piece, assembly.bytes)
      this.#parts.site.arrived(assembly.piece)
      this.#parts.onVerified(assembly.piece, assembly.bytes, givers)
      if (guilty.length > 0) this.#parts.onGuilty(guilty)
      return
    }
    for (const giver of givers) giver.down.isProven = false
    const addresses = givers.map((giver) => giver.address)
    const guilty = this.#blame.failed(assembly.piece, assembly.bytes, addresses)
    this.#parts.onSpoiled(assembly.piece, assembly.bytes.length)
    this.#parts.pool.release(assembly.bytes)
    this.#parts.site.gaveUp(assembly.piece)
    this.sources.copies.open(assembly.piece)
    if (guilty.length > 0) this.#parts.onGuilty(guilty)
    this.#parts.onFreed()
  }

  /** The peer says that it will not send the block. */
  rejected(peer: Peer, range: BlockRange): void {
    const key = keyOfBlock(range.piece, range.offset / BLOCK_BYTES)
    if (peer.down.rejectsDue.delete(key)) return
    const request = peer.down.settled(key)
    peer.down.late.delete(key)
    if (request === undefined) return
    if (!peer.isChokingUs && !request.wasOurWish) peer.down.refused.add(request.assembly.piece)
    this.#free(peer, [request])
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
    const requests = [...peer.down.requests]
    peer.down.settledAll()
    for (const [key, request] of requests) {
      peer.down.late.add(key)
      this.#giveBack(peer, request.assembly, request.block)
    }
    this.#parts.limiter.giveBack(peer, requests.length * BLOCK_BYTES)
    for (const assembly of [...peer.down.pieces]) this.#disown(peer, assembly)
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
    this.#parts.site.gaveUp(assembly.piece)
    // What must come from one peer starts again with another.
    if (assembly.isExclusive || assembly.isIdle) this.#abandon(assembly)
  }

  #abandon(assembly: PieceAssembly): void {
    this.#chooser.close(assembly)
    this.#parts.site.gaveUp(assembly.piece)
    this.sources.copies.open(assembly.piece)
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
