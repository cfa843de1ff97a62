/**
 * What is missing before the player, and where it comes from: the rules of `plan.ts` carried out. Pieces come whole to `onWhole`,
 * not yet verified.
 */
import type { Bitfield } from '../../core/bitfield.ts'
import { BLOCK_BYTES, type PieceIndex } from '../../core/piece-layout.ts'
import { millis, type Millis } from '../../core/units.ts'
import type { EngineClock } from './channel.ts'
import { Pace } from './pace.ts'
import { PeerRequests } from './peer-requests.ts'
import type { PieceWork } from './piece-work.ts'
import { isCriticalAt, PEERS_AHEAD, serverUseFor } from './plan.ts'
import { Promises } from './promises.ts'
import { Position } from './position.ts'
import { ServerRuns, type ServerSource } from './server-runs.ts'
import { Turns } from './turns.ts'
import type { ViewerPeer } from './viewer-peer.ts'
import { Waiting } from './waiting.ts'
import { pieceMsOf, type Watched } from './watched.ts'
import { Works } from './works.ts'

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

/** After a jump the player needs what it jumped to, and nobody else does. */
const SETTLING = 3_000
/** And so long nothing else is fetched from the server, unless there is so much before it sooner. */
const HURRIED_UNTIL = 2_000
/** Blocks come by the hundred a second. */
const SOON: Millis = millis(20)
/** The gateway is asked for what there is time for. */
const GATEWAY_AHEAD = 4_000
/** With so much before the player, what comes next is fetched at a {@link Pace}. */
const UNHURRIED = 6_000
/** Pieces behind the player that may still be arriving. */
const BEHIND_PIECES = 2

export class Fetching {
  readonly position: Position
  readonly #parts: FetchingParts
  readonly #works: Works
  readonly #waiting = new Waiting()
  readonly #promises: Promises
  readonly #requests: PeerRequests
  readonly #runs: ServerRuns
  readonly #pace = new Pace()
  #isAcquainted = false
  #jumpedAt = -Infinity
  #planning: { cancel(): void } | undefined
  #isClosed = false
  readonly #pieceMs: number
  readonly #turns: Turns

  constructor(parts: FetchingParts) {
    this.#parts = parts
    const { clock, server, watched } = parts
    const { layout } = watched
    this.#works = new Works(layout)
    this.#promises = new Promises(clock)
    this.position = new Position(watched)
    this.#pieceMs = pieceMsOf(watched)
    this.#turns = new Turns({ self: parts.self, pieceMs: this.#pieceMs })
    this.#requests = new PeerRequests(layout, (piece) => this.#works.get(piece))
    this.#runs = new ServerRuns({
      clock,
      layout,
      pieceMs: this.#pieceMs,
      server,
      workOf: (piece) => this.#works.of(piece),
      onBegun: (pieces) => {
        this.#begun(pieces)
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

  missingBlocksOf(piece: PieceIndex): number {
    return this.#parts.have.has(piece) ? 0 : this.#works.missingBlocksOf(piece)
  }

  /** The player would jump to where nothing is to be had but from the server. */
  isJumpIntoNothing(piece: PieceIndex): boolean {
    const now = this.#parts.clock.now()
    if (!this.position.isJump(piece) || this.#parts.have.has(piece)) return false
    const isComing = this.#works.has(piece) || this.#promises.heldForMs(piece, now) !== undefined
    return !isComing && this.#giversOf(piece, now).every((peer) => peer.isGateway)
  }

  /** The player wants this piece next, and the server sends what comes before it past us. */
  passTo(piece: PieceIndex): void {
    this.position.passes(this.#parts.clock.now())
    this.moveTo(piece)
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
    const { clock, peers } = this.#parts
    const now = clock.now()
    const others = [...peers()].filter((peer) => !peer.isGateway)
    const urgent: PieceIndex[] = []
    const ahead: PieceIndex[] = []
    const isSettling = now - this.#jumpedAt < SETTLING
    const isPassing = this.position.isPassing(now)
    for (const piece of this.#missing(now)) {
      const givers = this.#giversOf(piece, now)
      const holders = givers.filter((peer) => !peer.isGateway)
      const work = this.#works.get(piece)
      const asks = work?.askedAt
      const dueMs = this.position.dueMs(piece, now)
      const use = serverUseFor({
        dueMs,
        groupDueMs: this.position.dueMs(this.#turns.firstOf(piece), now),
        holders: holders.length,
        askedForMs: asks === undefined ? 0 : now - asks,
        comingForMs:
          this.#promises.heldForMs(piece, now) ??
          (isCriticalAt(dueMs) ? undefined : work?.ofGatewayForMs(now)),
        // what somebody jumps to nobody else needs at this moment
        criticalForMs: isSettling ? Infinity : this.#waiting.forMs(piece, dueMs, now),
        rank: () => this.#turns.rankFor(piece, others),
        isAcquainted: this.#isAcquainted,
      })
      if (use === 'urgent' && work?.isWithServer !== true) urgent.push(piece)
      if (holders.length > 0) this.#requests.ask(this.#works.of(piece), holders, now)
      else if (work?.isWithServer === true || use === 'urgent' || isPassing) continue
      else if (work?.ofGatewayForMs(now) !== undefined) this.#requests.ask(work, givers, now)
      else if (use === 'ahead' && (dueMs < UNHURRIED || this.#pace.isOpen(now))) {
        const isForGateway = work?.isOfGateway !== true && dueMs >= GATEWAY_AHEAD
        if (!isForGateway || !this.#askGateway(piece, givers, now)) ahead.push(piece)
      }
    }
    // what somebody jumps to comes first: the rest would share the line with it
    const isHurried = isSettling && this.position.dueMs(this.position.next, now) < HURRIED_UNTIL
    if (!isPassing) this.#runs.want(urgent, isHurried ? [] : ahead)
  }

  /** Takes back what nobody needs any more, and what keeps us waiting. To be called each second, and after a jump. */
  review(): void {
    const now = this.#parts.clock.now()
    const isWanted = (piece: PieceIndex): boolean => this.#isWanted(piece, now)
    for (const peer of this.#parts.peers()) this.#requests.review(peer, isWanted, now)
    this.#runs.review(isWanted)
    this.#works.review(isWanted)
    this.#waiting.review(isWanted)
    this.#promises.review(this.#works.underway(), this.#parts.peers())
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
    this.#promises.make(this.#works.underway(), [peer])
  }

  /** It was judged: good, or to be fetched anew. */
  judged(piece: PieceIndex): void {
    this.#works.judged(piece)
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
    for (let at = this.position.next as number; at <= watched.last && begun < this.#works.most; at++) {
      const piece = at as PieceIndex
      if (this.position.dueMs(piece, now) > PEERS_AHEAD || at - this.position.next > most) return
      if (have.has(piece) || this.#works.isJudged(piece)) continue
      begun++
      yield piece
    }
  }

  #isWanted(piece: PieceIndex, now: number): boolean {
    const { next } = this.position
    return piece >= next - BEHIND_PIECES && (piece < next || this.position.dueMs(piece, now) <= PEERS_AHEAD)
  }

  #whole(work: PieceWork): void {
    this.#works.whole(work.piece)
    this.#parts.onWhole(work)
  }

  /** Those who have it and may be asked; of what failed before nobody but the server. */
  #giversOf(piece: PieceIndex, now: number): readonly ViewerPeer[] {
    const isGiver = (peer: ViewerPeer): boolean =>
      peer.has.has(piece) && !peer.isChokingUs && peer.slowUntil <= now
    return this.#parts.isSuspect(piece) ? [] : [...this.#parts.peers()].filter(isGiver)
  }

  /** False when it has no room. */
  #askGateway(piece: PieceIndex, givers: readonly ViewerPeer[], now: number): boolean {
    if (!this.#requests.hasRoom(givers, now)) return false
    this.#begun([piece])
    const work = this.#works.of(piece)
    work.isOfGateway = true
    this.#requests.ask(work, givers, now)
    return true
  }

  /** They are fetched from the server now, by whatever way. */
  #begun(pieces: readonly PieceIndex[]): void {
    const now = this.#parts.clock.now()
    // what the gateway did not bring was spent when it was asked
    const unhurried = pieces.filter(
      (piece) => this.position.dueMs(piece, now) >= UNHURRIED && this.#works.get(piece)?.isOfGateway !== true,
    )
    this.#pace.spend((unhurried.length * this.#pieceMs) / this.position.rate, now)
    this.#promises.make(pieces, this.#parts.peers())
  }
}
