/**
 * What readers need by when. A player that reads at a rate needs each piece ahead of it at a time of its own: what is
 * due first is asked for first, before any other rule. Plain data; who changes it fills the peers' queues anew.
 */
import { BLOCK_BYTES, type PieceIndex, type PieceLayout } from '../core/piece-layout.ts'
import { KiB, MiB, type Millis, millis, seconds } from '../core/units.ts'
import { keyOfBlock } from './download-side.ts'
import type { Peer } from './peer.ts'
import type { PieceAssembly } from './piece-assembly.ts'

/** Of one reader: bytes of the whole torrent, `end` exclusive. It moves `at` on as it reads. */
export interface ReadNeed {
  at: number
  readonly end: number
  /** Bytes a second that it takes. */
  rateBps: number
  /** Since when it has had nothing to go on with; undefined while it has. */
  waitingSince: Millis | undefined
}

export interface UrgentPiece {
  readonly piece: PieceIndex
  readonly dueAt: Millis
}

/** What the picker of blocks lends: pieces that are to be fetched and are not whole. */
export interface UrgentBoard {
  isOpen(piece: PieceIndex): boolean
  /** Its assembly, when it was begun. */
  get(piece: PieceIndex): PieceAssembly | undefined
  /** Its assembly, begun when there is none yet. */
  open(piece: PieceIndex): PieceAssembly
  /** Peers that have it and not everything. */
  copiesOf(piece: PieceIndex): number
}

/** A reader is looked after so far ahead: what lies beyond comes in the order that is best for all. */
const WINDOW = seconds(30)
const WINDOW_BYTES_MAX = 32 * MiB
const WINDOW_BYTES_MIN = 512 * KiB
/** Nobody knows how fast a film is before it runs: this is a good picture at a small size. */
export const READ_BPS_MIN = 250_000
/** What is due so soon is worth the origin's line, and a second copy. */
const PRESSING = seconds(3)
/** Less than this is no lateness: blocks come in bursts. */
const PATIENCE = millis(500)
/** A block is asked of two at most. */
const ASKERS_MAX = 2
const PLAN_LIFE = millis(1_000)

/** In the order in which they are due; each piece once. Pure. */
export function urgentPieces(
  needs: Iterable<ReadNeed>,
  layout: PieceLayout,
  now: Millis,
): readonly UrgentPiece[] {
  const due = new Map<PieceIndex, number>()
  for (const need of needs) {
    const window = Math.max(WINDOW_BYTES_MIN, (need.rateBps * WINDOW) / 1_000)
    const end = Math.min(need.end, need.at + Math.min(WINDOW_BYTES_MAX, window))
    for (const piece of layout.touching(need.at, end)) {
      const aheadBytes = Math.max(0, layout.pieceStart(piece) - need.at)
      const dueAt = (need.waitingSince ?? now) + (1_000 * aheadBytes) / need.rateBps
      due.set(piece, Math.min(dueAt, due.get(piece) ?? Infinity))
    }
  }
  return [...due]
    .map(([piece, dueAt]) => ({ piece, dueAt: millis(dueAt) }))
    .toSorted((a, b) => a.dueAt - b.dueAt || a.piece - b.piece)
}

export class Deadlines {
  readonly #needs = new Set<ReadNeed>()
  #plan: readonly UrgentPiece[] = []
  #plannedAt: Millis | undefined

  /** Somebody reads. */
  get isActive(): boolean {
    return this.#needs.size > 0
  }

  add(need: ReadNeed): void {
    this.#needs.add(need)
    this.changed()
  }

  delete(need: ReadNeed): void {
    this.#needs.delete(need)
    this.changed()
  }

  /** A reader is elsewhere, or waits: the next question gets a new answer. */
  changed(): void {
    this.#plannedAt = undefined
  }

  /** A reader will come by: it is worth keeping in memory. */
  isAhead(piece: PieceIndex, layout: PieceLayout): boolean {
    const start = layout.pieceStart(piece)
    for (const { at, end } of this.#needs)
      if (start < Math.min(end, at + WINDOW_BYTES_MAX) && start + layout.pieceBytes(piece) > at) return true
    return false
  }

  /** All that is urgent now. */
  plan(layout: PieceLayout, now: Millis): readonly UrgentPiece[] {
    if (this.#plannedAt === undefined || now - this.#plannedAt >= PLAN_LIFE) {
      this.#plan = urgentPieces(this.#needs, layout, now)
      this.#plannedAt = now
    }
    return this.#plan
  }

  /** What to ask of the peer before anything else; undefined when it can help with nothing that is urgent. */
  next(
    peer: Peer,
    board: UrgentBoard,
    { layout, now }: { readonly layout: PieceLayout; readonly now: Millis },
  ): { readonly assembly: PieceAssembly; readonly block: number } | undefined {
    if (!this.isActive) return undefined
    const plan = this.plan(layout, now)
    // What is here is not looked at again and again: a plan may hold two thousand pieces.
    const open = plan.filter(({ piece }) => board.isOpen(piece))
    this.#plan = open
    const waits = new Waits(now)
    for (const urgent of open) {
      if (!mayAsk(peer, urgent, board, now) || !mayWorkAt(peer, board.get(urgent.piece))) continue
      const assembly = board.open(urgent.piece)
      const block = assembly.firstFree() ?? slowBlock(peer, assembly, urgent.dueAt, waits)
      if (block === undefined) continue
      if (assembly.isExclusive) own(peer, assembly)
      return { assembly, block }
    }
    return undefined
  }
}

/** An origin shows little of what it has (BEP 16), but gives what it is asked for; with BEP 6 it can say no. */
export const mayHideSome = (peer: Peer): boolean => peer.source === 'origin' && peer.hasFast

/** It has the piece, or may have it. */
export const canHelp = (peer: Peer, piece: PieceIndex): boolean =>
  !peer.down.refused.has(piece) && (peer.has.has(piece) || mayHideSome(peer))

/** What an origin has not shown is asked of it last, as long as there is time for others. */
function mayAsk(peer: Peer, { piece, dueAt }: UrgentPiece, board: UrgentBoard, now: Millis): boolean {
  if (!canHelp(peer, piece)) return false
  return peer.has.has(piece) || dueAt - now < PRESSING || board.copiesOf(piece) === 0
}

/** `assembly`: none where the piece was not begun. */
function mayWorkAt(peer: Peer, assembly: PieceAssembly | undefined): boolean {
  if (assembly?.isExclusive === true && assembly.owner !== undefined && assembly.owner !== peer) return false
  // One piece at a time from a stranger, as ever.
  if (peer.down.isProven) return true
  for (const request of peer.down.requests.values()) if (request.assembly !== assembly) return false
  return true
}

/** It must come from one peer alone. */
function own(peer: Peer, assembly: PieceAssembly): void {
  assembly.owner = peer
  peer.down.pieces.add(assembly)
}

/** A block that will not come in time from whom it was asked of, and much sooner from this peer. */
function slowBlock(peer: Peer, assembly: PieceAssembly, dueAt: Millis, waits: Waits): number | undefined {
  const dueIn = dueAt - waits.now
  if (dueIn > PRESSING || assembly.isExclusive) return undefined
  const late = Math.max(PATIENCE, dueIn, 2 * waitOf(peer, peer.down.requests.size, waits.now))
  for (let block = 0; block < assembly.blocks; block++) {
    if (assembly.has(block)) continue
    const askers = assembly.askersOf(block)
    if (askers.length >= ASKERS_MAX || askers.includes(peer)) continue
    if (askers.every((asker) => waits.of(asker, keyOfBlock(assembly.piece, block)) > late)) return block
  }
  return undefined
}

/** How long blocks will still take. For one question: the places in a queue are counted once, not for each block. */
class Waits {
  readonly now: Millis
  readonly #places = new Map<Peer, ReadonlyMap<number, number>>()

  constructor(now: Millis) {
    this.now = now
  }

  /** If its peer goes on as it does. */
  of(asker: Peer, key: number): number {
    const request = asker.down.requests.get(key)
    const ahead = this.#placesOf(asker).get(key)
    if (request === undefined || ahead === undefined) return 0 // it is arriving
    const silence = this.now - request.sentAt > PATIENCE ? silenceOf(asker, this.now) : 0
    return Math.max(waitOf(asker, ahead, this.now), silence)
  }

  #placesOf(asker: Peer): ReadonlyMap<number, number> {
    let places = this.#places.get(asker)
    if (places === undefined) {
      places = new Map([...asker.down.requests.keys()].map((key, ahead) => [key, ahead]))
      this.#places.set(asker, places)
    }
    return places
  }
}

/** Who has been silent for a while will be so for as long again. */
const silenceOf = ({ down }: Peer, now: Millis): number =>
  down.activeAt === undefined ? 0 : now - down.activeAt

/** With so many requests before it. Of a peer whose rate is not known, the best is thought. */
function waitOf({ down }: Peer, ahead: number, now: Millis): number {
  const rate = down.meter.rate(now)
  const sending = rate <= 0 ? 0 : (1_000 * (ahead + 1) * BLOCK_BYTES) / rate
  return sending + (down.roundTripLeast ?? 0)
}
