/** Sending: whose requests are taken, and when their blocks go out. Whom to serve is decided in `unchoker.ts`. */
import type { PieceIndex, PieceLayout } from '../core/piece-layout.ts'
import { MiB } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { limits } from '../wire/limits.ts'
import { type BlockRange, encodeBlockRanges } from '../wire/peer-message.ts'
import type { Limiter } from './limiting/torrent-limits.ts'
import type { Peer } from './peer.ts'
import type { CachedPiece, PieceCache } from './piece-cache.ts'
import type { SendBudget } from './send-budget.ts'

export interface UploaderParts {
  readonly clock: Clock
  readonly cache: PieceCache
  /** Whether a block may leave now; a peer that waits for it is pumped when it is its turn. */
  readonly limiter: Limiter<Peer>
  readonly budget: SendBudget
  readonly layout: PieceLayout
  readonly keyOf: (piece: PieceIndex) => string
  /** We have it, whole and good as far as we know. */
  readonly mayServe: (piece: PieceIndex) => boolean
  /** Bring the piece to the cache; the waiting peers are pumped when it is there. */
  readonly load: (piece: PieceIndex) => void
  readonly onSent: (peer: Peer, piece: PieceIndex, bytes: number) => void
}

/** Enough for the kernel's buffer and a loop turn; the bound of `limits` holds with room for small messages. */
const QUEUED_BYTES_MAX = 1 * MiB
/** How far ahead of one peer's requests pieces are brought from the disk: two, or more if they are small. */
const LOAD_AHEAD_BYTES = 4 * MiB
const LOADS_AHEAD_MIN = 2

export class Uploader {
  readonly #parts: UploaderParts
  readonly #loadsAhead: number

  constructor(parts: UploaderParts) {
    this.#parts = parts
    this.#loadsAhead = Math.max(LOADS_AHEAD_MIN, Math.floor(LOAD_AHEAD_BYTES / parts.layout.pieceLength))
  }

  /** A request came. False when no honest client sends such a one: hang up. */
  requested(peer: Peer, range: BlockRange): boolean {
    const piece = this.#parts.layout.index(range.piece)
    if (piece === undefined || !this.#parts.layout.holds(piece, range.offset, range.length)) return false
    if (range.length > limits.blockRequestBytesDrop) return false
    const isTaken =
      range.length <= limits.blockRequestBytesMax &&
      !peer.isChoked &&
      peer.up.queue.length < limits.requestsInMax &&
      this.#parts.mayServe(piece)
    if (isTaken) peer.up.queue.push({ piece, offset: range.offset, length: range.length })
    else reject(peer, [range])
    return true
  }

  /** BEP 6: a cancelled request is still answered, by a reject or by its block. */
  cancelled(peer: Peer, range: BlockRange): void {
    const at = peer.up.queue.findIndex(
      (r) => r.piece === range.piece && r.offset === range.offset && r.length === range.length,
    )
    if (at < 0) return
    peer.up.queue.splice(at, 1)
    reject(peer, [range])
  }

  choke(peer: Peer): void {
    if (peer.isChoked) return
    peer.isChoked = true
    peer.up.turnChangedAt = this.#parts.clock.now()
    const dropped = peer.up.queue
    peer.up.queue = []
    peer.send({ kind: 'choke' })
    reject(peer, dropped)
  }

  unchoke(peer: Peer): void {
    if (!peer.isChoked) return
    peer.isChoked = false
    peer.up.turnChangedAt = this.#parts.clock.now()
    peer.send({ kind: 'unchoke' })
  }

  /** The piece is no longer ours to give. */
  withdraw(peer: Peer, piece: PieceIndex): void {
    const dropped = peer.up.queue.filter((range) => range.piece === piece)
    if (dropped.length === 0) return
    peer.up.queue = peer.up.queue.filter((range) => range.piece !== piece)
    reject(peer, dropped)
  }

  /** Sends what is asked for, in memory and within all bounds; asks for what is not in memory. */
  pump(peer: Peer): void {
    const { queuedBytes } = peer.connection
    peer.up.pins.release(queuedBytes)
    this.#parts.budget.note(peer, queuedBytes)
    if (peer.up.queue.length === 0) return
    const waiting: BlockRange[] = []
    const loads = new Set<number>()
    let cached: CachedPiece | undefined
    let isBlocked = false
    for (const range of peer.up.queue) {
      isBlocked ||= peer.isClosed || !this.#hasRoom(peer)
      if (isBlocked) {
        waiting.push(range)
        continue
      }
      const key = this.#parts.keyOf(range.piece as PieceIndex)
      if (cached?.key !== key) cached = this.#parts.cache.get(key)
      if (cached === undefined) {
        waiting.push(range)
        if (loads.size < this.#loadsAhead) loads.add(range.piece)
      } else if (this.#parts.limiter.take(peer, range.length)) {
        this.#send(peer, range, cached)
      } else {
        waiting.push(range)
        isBlocked = true
      }
    }
    if (!peer.isClosed) peer.up.queue = waiting
    for (const piece of loads) this.#parts.load(piece as PieceIndex)
  }

  #send(peer: Peer, range: BlockRange, cached: CachedPiece): void {
    peer.sendBlock(range, cached)
    peer.up.meter.add(range.length, this.#parts.clock.now())
    this.#parts.onSent(peer, range.piece as PieceIndex, range.length)
    this.#parts.budget.note(peer, peer.connection.queuedBytes)
  }

  #hasRoom(peer: Peer): boolean {
    return peer.connection.queuedBytes < QUEUED_BYTES_MAX && this.#parts.budget.hasRoom
  }
}

/** Without BEP 6 there is no word for no: silence is what such a peer expects. */
function reject(peer: Peer, ranges: readonly BlockRange[]): void {
  if (peer.hasFast && ranges.length > 0) peer.sendBytes(encodeBlockRanges('reject', ranges))
}
