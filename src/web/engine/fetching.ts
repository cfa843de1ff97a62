/**
 * What is missing before the player, and where it comes from: the rules of `plan.ts` carried out. Pieces come whole to `onWhole`,
 * not yet verified.
 */
import type { Bitfield } from '../../core/bitfield.ts'
import { BLOCK_BYTES, type PieceIndex } from '../../core/piece-layout.ts'
import { millis, type Millis } from '../../core/units.ts'
import type { EngineClock } from './channel.ts'
import { PeerRequests } from './peer-requests.ts'
import { PieceWork } from './piece-work.ts'
import { isCriticalAt, PEERS_AHEAD, rankOf, serverUseFor } from './plan.ts'
import { Promises } from './promises.ts'
import { Position } from './position.ts'
import { ServerRuns, type ServerSource } from './server-runs.ts'
import type { ViewerPeer } from './viewer-peer.ts'
import { pieceMsOf, type Watched } from './watched.ts'

export interface FetchingParts {
  readonly clock: EngineClock
  readonly watched: Watched
  readonly server: ServerSource
  /** Our own name, among those who divide the work. */
  readonly self: string
  readonly have: Bitfield
  /** What is kept of what comes: more ahead would drop what is played next. */
  readonly roomBytes: () => number
  readonly peers: () => Iterable<ViewerPeer>
  /** It failed its hash before: only the server is asked for it. */
  readonly isSuspect: (piece: PieceIndex) => boolean
  /** From `http`: the server's own answers. */
  readonly onBytes: (from: ViewerPeer | 'http', bytes: number) => void
  readonly onWhole: (work: PieceWork) => void
}

/** Pieces that are begun at a time hold memory. */
const WORKS_BYTES_MAX = 64 * 1_024 * 1_024
/** Turns go by groups of pieces that play about so long, so that the server is asked for runs. */
const GROUP_MS = 2_000
/** After a jump the player needs what it jumped to, and nobody else does. */
const SETTLING = 3_000
/** And so long nothing else is fetched from the server, unless there is so much before it sooner. */
const HURRIED_UNTIL = 2_000
/** Blocks come by the hundred a second. */
const SOON: Millis = millis(20)
/** The gateway is asked for what there is time for. */
const GATEWAY_AHEAD = 4_000
/** Pieces behind the player that may still be arriving. */
const BEHIND_PIECES = 2

export class Fetching {
  readonly position: Position
  readonly #parts: FetchingParts
  readonly #works = new Map<PieceIndex, PieceWork>()
  /** Whole, and being hashed: nobody is asked for them. */
  readonly #judged = new Set<PieceIndex>()
  /** Since when the player needs them at once. */
  readonly #criticalSince = new Map<PieceIndex, number>()
  readonly #promises: Promises
  readonly #requests: PeerRequests
  readonly #runs: ServerRuns
  readonly #worksMax: number
  #isAcquainted = false
  #jumpedAt = -Infinity
  #planning: { cancel(): void } | undefined
  #isClosed = false
  readonly #piecesOfGroup: number

  constructor(parts: FetchingParts) {
    this.#parts = parts
    const { clock, server, watched } = parts
    const { layout } = watched
    this.#promises = new Promises(clock)
    this.position = new Position(watched)
    this.#worksMax = Math.max(4, Math.floor(WORKS_BYTES_MAX / layout.pieceLength))
    const pieceMs = pieceMsOf(watched)
    this.#piecesOfGroup = Math.max(1, Math.round(GROUP_MS / pieceMs))
    this.#requests = new PeerRequests(layout, (piece) => this.#works.get(piece))
    this.#runs = new ServerRuns({
      clock,
      layout,
      pieceMs,
      server,
      workOf: (piece) => this.#workOf(piece),
      onBegun: (pieces) => {
        this.#promises.make(pieces, parts.peers())
      },
      onBytes: (bytes) => {
        parts.onBytes('http', bytes)
      },
      onWhole: (work) => {
        this.#whole(work)
      },
      onEnded: () => {
        this.plan()
      },
    })
  }

  /** Why the server gives nothing; undefined while it does. */
  get serverTrouble(): string | undefined {
    return this.#runs.trouble
  }

  /** It is known who else watches: they are here, there is nobody, or nobody answers. */
  acquainted(): void {
    this.#isAcquainted = true
    this.plan()
  }

  /** The player wants this piece next. */
  moveTo(piece: PieceIndex): void {
    const now = this.#parts.clock.now()
    if (this.position.reads(piece, now)) {
      this.#jumpedAt = now
      this.review()
    }
    this.plan()
  }

  /** Something has come, and something else may be asked for: together with what comes in the next moment. */
  #planSoon(): void {
    this.#planning ??= this.#parts.clock.after(SOON, () => {
      this.plan()
    })
  }

  /** Asks whoever is to be asked now. */
  plan(): void {
    this.#planning?.cancel()
    this.#planning = undefined
    if (this.#isClosed) return
    const { clock, isSuspect, peers } = this.#parts
    const now = clock.now()
    const willing = [...peers()].filter((peer) => !peer.isChokingUs && peer.slowUntil <= now)
    const others = [...peers()].filter((peer) => !peer.isGateway)
    const urgent: PieceIndex[] = []
    const ahead: PieceIndex[] = []
    const isSettling = now - this.#jumpedAt < SETTLING
    for (const piece of this.#missing(now)) {
      const givers = isSuspect(piece) ? [] : willing.filter((peer) => peer.has.has(piece))
      const holders = givers.filter((peer) => !peer.isGateway)
      const work = this.#works.get(piece)
      const asks = work?.askedAt
      const dueMs = this.position.dueMs(piece, now)
      const use = serverUseFor({
        dueMs,
        groupDueMs: this.position.dueMs(this.#groupOf(piece).first, now),
        holders: holders.length,
        askedForMs: asks === undefined ? 0 : now - asks,
        comingForMs:
          this.#promises.heldForMs(piece, now) ??
          (isCriticalAt(dueMs) ? undefined : work?.ofGatewayForMs(now)),
        // what somebody jumps to nobody else needs at this moment
        criticalForMs: isSettling ? Infinity : this.#criticalForMs(piece, dueMs, now),
        rank: this.#rankOf(piece, others),
        isAcquainted: this.#isAcquainted,
      })
      if (use === 'urgent' && work?.isWithServer !== true) urgent.push(piece)
      if (holders.length > 0) this.#requests.ask(this.#workOf(piece), holders, now)
      else if (use === 'ahead' && work?.isWithServer !== true) {
        if (givers.length === 0 || work?.isOfGateway === true || dueMs < GATEWAY_AHEAD) ahead.push(piece)
        else {
          if (asks === undefined) this.#promises.make([piece], peers())
          const fresh = this.#workOf(piece)
          fresh.isOfGateway = true
          this.#requests.ask(fresh, givers, now)
        }
      }
    }
    // what somebody jumps to comes first: the rest would share the line with it
    const isHurried = isSettling && this.position.dueMs(this.position.next, now) < HURRIED_UNTIL
    this.#runs.want(urgent, isHurried ? [] : ahead)
  }

  /** Takes back what nobody needs any more, and what keeps us waiting. To be called each second, and after a jump. */
  review(): void {
    const now = this.#parts.clock.now()
    const isWanted = (piece: PieceIndex): boolean => this.#isWanted(piece, now)
    for (const peer of this.#parts.peers()) this.#requests.review(peer, isWanted, now)
    this.#runs.review(isWanted)
    for (const [piece, work] of this.#works)
      if (!isWanted(piece) && !work.isWithServer) this.#works.delete(piece)
    for (const piece of this.#criticalSince.keys()) if (!isWanted(piece)) this.#criticalSince.delete(piece)
    this.#promises.review(this.#underway(), this.#parts.peers())
  }

  /** False for what was not asked for. */
  block(peer: ViewerPeer, piece: PieceIndex, offset: number, bytes: Uint8Array): boolean {
    const { layout } = this.#parts.watched
    const now = this.#parts.clock.now()
    const block = offset / BLOCK_BYTES
    if (!Number.isInteger(block) || layout.blockBytes(piece, block) !== bytes.length) return false
    if (!this.#requests.settle(peer, piece, block, now, true)) return false
    peer.down.note(bytes.length, now)
    const work = this.#works.get(piece)
    if (work?.put(block, bytes, peer) === true) {
      this.#parts.onBytes(peer, bytes.length)
      if (work.isWhole) this.#whole(work)
    }
    this.#planSoon()
    return true
  }

  rejected(peer: ViewerPeer, piece: PieceIndex, offset: number): void {
    this.#requests.settle(peer, piece, offset / BLOCK_BYTES, this.#parts.clock.now(), false)
  }

  /** It sends nothing of what it was asked for. */
  dropped(peer: ViewerPeer): void {
    this.#requests.dropped(peer)
    this.#promises.left(peer)
  }

  /** This colleague says that it fetches the piece from the server now. */
  promised(peer: ViewerPeer, piece: PieceIndex): void {
    if (!this.#parts.have.has(piece)) this.#promises.heard(peer, piece)
  }

  /** Somebody new: it hears what we are fetching. */
  met(peer: ViewerPeer): void {
    this.#promises.make(this.#underway(), [peer])
  }

  /** It was judged: good, or to be fetched anew. */
  judged(piece: PieceIndex): void {
    this.#judged.delete(piece)
    this.plan()
  }

  close(): void {
    this.#isClosed = true
    this.#planning?.cancel()
    this.#runs.close()
  }

  *#missing(now: number): Generator<PieceIndex> {
    const { have, watched } = this.#parts
    const most = this.#parts.roomBytes() / 2 / watched.layout.pieceLength
    let begun = 0
    for (let at = this.position.next as number; at <= watched.last && begun < this.#worksMax; at++) {
      const piece = at as PieceIndex
      if (this.position.dueMs(piece, now) > PEERS_AHEAD || at - this.position.next > most) return
      if (have.has(piece) || this.#judged.has(piece)) continue
      begun++
      yield piece
    }
  }

  #isWanted(piece: PieceIndex, now: number): boolean {
    const { next } = this.position
    return piece >= next - BEHIND_PIECES && (piece < next || this.position.dueMs(piece, now) <= PEERS_AHEAD)
  }

  #rankOf(piece: PieceIndex, others: readonly ViewerPeer[]): number {
    const without = others.filter((peer) => !peer.has.has(piece)).map((peer) => peer.id)
    return rankOf(this.#groupOf(piece).index, this.#parts.self, without)
  }

  #groupOf(piece: PieceIndex): { readonly index: number; readonly first: PieceIndex } {
    const index = Math.floor(piece / this.#piecesOfGroup)
    return { index, first: (index * this.#piecesOfGroup) as PieceIndex }
  }

  #workOf(piece: PieceIndex): PieceWork {
    const known = this.#works.get(piece)
    if (known !== undefined) return known
    const work = new PieceWork(this.#parts.watched.layout, piece)
    this.#works.set(piece, work)
    return work
  }

  #whole(work: PieceWork): void {
    this.#works.delete(work.piece)
    this.#judged.add(work.piece)
    this.#parts.onWhole(work)
  }

  /** What we fetch from the server, by whatever way. */
  #underway(): PieceIndex[] {
    const fetched = [...this.#works.values()].filter((work) => work.isWithServer || work.isOfGateway)
    return fetched.map((work) => work.piece)
  }

  #criticalForMs(piece: PieceIndex, dueMs: number, now: number): number {
    if (!isCriticalAt(dueMs)) {
      this.#criticalSince.delete(piece)
      return 0
    }
    const since = this.#criticalSince.get(piece) ?? now
    this.#criticalSince.set(piece, since)
    return now - since
  }
}
