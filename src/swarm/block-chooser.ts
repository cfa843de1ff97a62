/**
 * What to ask of a peer next. What a reader waits for comes before everything (`deadlines.ts`). Then, in this order:
 * blocks of its own pieces; pieces that somebody left unfinished; the rarest piece that nobody fetches; blocks that
 * others were not asked for; and at the very end a second copy of what others were. From elsewhere, what is no work of
 * others of our site (`site/site-work.ts`) and is not at our site.
 */
import { BLOCK_BYTES, type PieceIndex, type PieceLayout } from '../core/piece-layout.ts'
import type { Random } from '../core/random.ts'
import { type Millis, millis, seconds } from '../core/units.ts'
import { BegunPieces } from './begun-pieces.ts'
import type { BufferPool } from './buffer-pool.ts'
import type { Deadlines, UrgentBoard } from './deadlines.ts'
import type { Peer } from './peer.ts'
import type { PieceAssembly } from './piece-assembly.ts'
import type { Copies } from './copies.ts'
import { farDelay } from './far-sites.ts'
import { findPiece, idleAfterLooking, LOOKS_MAX, type PieceSearch } from './piece-search.ts'
import type { SiteWork } from './site/site-work.ts'

export interface BlockChooserParts {
  readonly layout: PieceLayout
  readonly pool: BufferPool
  readonly random: Random
  readonly site: SiteWork
  readonly copies: Copies
  /** One peer must bring all of it. */
  readonly isSuspect: (piece: PieceIndex) => boolean
  readonly unwrittenBytes: () => number
  readonly deadlines: Deadlines
}

export interface ChosenBlock {
  readonly assembly: PieceAssembly
  readonly block: number
}

/** A second copy of the last blocks: of how many peers at most, and how many at once from a peer. */
const ASKERS_MAX = 2
const DUPLICATES_MAX = 2
/** What somebody elsewhere has is not asked of an origin that did not offer it, before it has waited so long. */
const ORIGIN_AFTER = seconds(2)

export class BlockChooser implements UrgentBoard {
  readonly copies: Copies
  readonly #parts: BlockChooserParts
  readonly #begun: BegunPieces

  constructor(parts: BlockChooserParts, wanted: Iterable<PieceIndex>) {
    this.#parts = parts
    this.copies = parts.copies
    this.#begun = new BegunPieces(parts)
    for (const piece of wanted) this.copies.open(piece)
  }

  get(piece: PieceIndex): PieceAssembly | undefined {
    return this.#begun.get(piece)
  }

  /** It is not begun, not there, and wanted. */
  isStartable(piece: PieceIndex): boolean {
    return this.copies.far.has(piece)
  }

  /** The piece is to be fetched, if it is not on its way. */
  want(piece: PieceIndex): void {
    if (!this.#begun.has(piece)) this.copies.open(piece)
  }

  /** No peer is at it, and it is to be fetched: somebody else may {@link claim} it. */
  isFree(piece: PieceIndex): boolean {
    return this.#begun.get(piece)?.isWaiting ?? this.isStartable(piece)
  }

  /** No peer is asked for a free piece any more. Answers how many bytes of it were here, and are given up. */
  claim(piece: PieceIndex): number {
    const assembly = this.#begun.get(piece)
    this.copies.close(piece)
    if (assembly === undefined) return 0
    this.close(assembly)
    this.#parts.pool.release(assembly.bytes)
    return assembly.receivedBlocks * BLOCK_BYTES
  }

  /** It is to be fetched, and not whole. */
  isOpen(piece: PieceIndex): boolean {
    return this.#begun.has(piece) || this.isStartable(piece)
  }

  copiesOf(piece: PieceIndex): number {
    return this.copies.near.copiesOf(piece) + this.copies.far.copiesOf(piece)
  }

  /** Makes the peer the one to bring what is begun. False when it is not begun, or is another's. */
  give(piece: PieceIndex, peer: Peer): boolean {
    const assembly = this.#begun.get(piece)
    if (assembly === undefined || assembly.owner !== undefined) return false
    assembly.owner = peer
    peer.down.pieces.add(assembly)
    return true
  }

  /** What is urgent is begun also when there is no room: no more of it than peers are asked for at once. */
  open(piece: PieceIndex): PieceAssembly {
    return this.#begun.open(piece)
  }

  /** The piece is whole, or given up: its buffer is the caller's now. */
  close(assembly: PieceAssembly): void {
    this.#begun.close(assembly)
  }

  /** Undefined when there is nothing that the peer can help with. */
  next(peer: Peer, now: Millis): ChosenBlock | undefined {
    const { deadlines, layout } = this.#parts
    const urgent = deadlines.next(peer, this, { layout, now })
    if (urgent !== undefined) return urgent
    for (const assembly of peer.down.pieces) {
      const block = assembly.firstFree()
      if (block !== undefined) return { assembly, block }
    }
    // One piece at a time from a stranger: a liar costs one piece, an honest peer one round trip.
    if (!peer.down.isProven && peer.down.pieces.size > 0) return undefined
    const isFar = peer.source !== 'site'
    const own = isFar ? this.#beginFar(peer, now) : this.#beginNear(peer, now)
    if (own === undefined) return this.#helpOthers(peer) ?? this.#duplicate(peer)
    this.give(own.piece, peer)
    if (isFar) this.#parts.site.began(own.piece)
    const block = own.firstFree()
    return block === undefined ? undefined : { assembly: own, block }
  }

  #beginFar(peer: Peer, now: Millis): PieceAssembly | undefined {
    if (this.#parts.site.isLineFull(farDelay(peer.down.roundTrip))) return undefined
    return (
      this.#startHinted(peer) ??
      this.#unlessIdle(peer, now, () => this.#leftUnfinished(peer) ?? this.#startFar(peer))
    )
  }

  #beginNear(peer: Peer, now: Millis): PieceAssembly | undefined {
    return this.#leftUnfinished(peer) ?? this.#unlessIdle(peer, now, () => this.#startNear(peer))
  }

  /** Looking through all pieces is not done again at once when nothing was found. */
  #unlessIdle(peer: Peer, now: Millis, begin: () => PieceAssembly | undefined): PieceAssembly | undefined {
    if (peer.down.idleUntil > now) return undefined
    const begun = begin()
    if (begun === undefined && !this.#parts.site.isAlone)
      peer.down.idleUntil = millis(now + idleAfterLooking(this.copies.startable))
    return begun
  }

  /** What an origin chose us for. */
  #startHinted(peer: Peer): PieceAssembly | undefined {
    const { hints } = peer.down
    for (const piece of hints) {
      const begun = this.#begun.get(piece)
      const isOfUse = this.isOpen(piece) && !this.copies.isHere(piece)
      // Whoever is at it may turn out to be slow.
      if (isOfUse && !this.#parts.site.mayTakeOffer(piece)) continue
      if (!isOfUse || !this.#maybeFrom(peer, piece)) {
        hints.delete(piece)
        continue
      }
      const isLeft = begun?.owner === undefined && begun?.firstFree() !== undefined
      const own = isLeft ? begun : this.#startIfRoom(piece)
      if (own !== undefined) hints.delete(piece)
      if (own !== undefined || this.isStartable(piece)) return own
    }
    return undefined
  }

  /** Our own work first, rarest first; then what others have left lying. */
  #startFar(peer: Peer): PieceAssembly | undefined {
    const { site } = this.#parts
    let other: PieceIndex | undefined
    const isOurs = (piece: PieceIndex): boolean => {
      if (!this.#mayComeFrom(peer, piece)) return false
      if (site.isAlone || site.members.isFirst(piece)) return true
      other ??= piece
      return false
    }
    const piece = findPiece(this.copies.far, this.#searchAt(peer, 'far'), isOurs) ?? other
    return piece === undefined ? undefined : this.#startIfRoom(piece)
  }

  /** From elsewhere, as far as others of our site and the order of sources allow. */
  #mayComeFrom(peer: Peer, piece: PieceIndex): boolean {
    const { site } = this.#parts
    if (!this.#maybeFrom(peer, piece) || this.copies.isHere(piece) || !site.mayFetch(piece)) return false
    if (peer.source !== 'origin' || !this.copies.isElsewhere(piece)) return true
    return site.openFor(piece) >= ORIGIN_AFTER
  }

  #leftUnfinished(peer: Peer): PieceAssembly | undefined {
    let best: PieceAssembly | undefined
    for (const assembly of this.#begun.values()) {
      if (assembly.owner !== undefined || !this.#mayBring(peer, assembly.piece)) continue
      if (assembly.firstFree() === undefined) continue
      if (best === undefined || assembly.receivedBlocks > best.receivedBlocks) best = assembly
    }
    return best
  }

  /** The rarest at our site. */
  #startNear(peer: Peer): PieceAssembly | undefined {
    const suits = (piece: PieceIndex): boolean => this.#maybeFrom(peer, piece)
    const piece = findPiece(this.copies.near, this.#searchAt(peer, 'near'), suits)
    return piece === undefined ? undefined : this.#startIfRoom(piece)
  }

  #searchAt(peer: Peer, place: 'near' | 'far'): PieceSearch {
    const { counted } = peer.down
    const isCounted = counted?.place === place && !counted.isWhole
    const looksMax = this.#parts.site.isAlone ? Infinity : LOOKS_MAX
    return { peer, isCounted, looksMax, random: this.#parts.random }
  }

  #startIfRoom(piece: PieceIndex): PieceAssembly | undefined {
    return this.isStartable(piece) ? this.#begun.startIfRoom(piece) : undefined
  }

  #helpOthers(peer: Peer): ChosenBlock | undefined {
    for (const assembly of this.#begunFor(peer)) {
      const block = assembly.firstFree()
      if (block !== undefined) return { assembly, block }
    }
    return undefined
  }

  /** From elsewhere only of what is slow to come: over a thin line everything is under way for a while. */
  #duplicate(peer: Peer): ChosenBlock | undefined {
    if (this.copies.startable > 0 || peer.down.requests.size >= DUPLICATES_MAX) return undefined
    for (const assembly of this.#begunFor(peer)) {
      if (peer.source !== 'site' && !this.#parts.site.isSlow(assembly.piece)) continue
      const block = assembly.duplicable(peer, ASKERS_MAX)
      if (block !== undefined) return { assembly, block }
    }
    return undefined
  }

  *#begunFor(peer: Peer): Iterable<PieceAssembly> {
    for (const assembly of this.#begun.values())
      if (!assembly.isExclusive && this.#mayHelp(peer, assembly.piece)) yield assembly
  }

  #mayBring(peer: Peer, piece: PieceIndex): boolean {
    return peer.source === 'site' ? this.#maybeFrom(peer, piece) : this.#mayComeFrom(peer, piece)
  }

  /** With a piece that is another's: from elsewhere only where it is our work. */
  #mayHelp(peer: Peer, piece: PieceIndex): boolean {
    const { site } = this.#parts
    const isOurWork = peer.source === 'site' || site.isAlone || site.isFetching(piece)
    return isOurWork && this.#maybeFrom(peer, piece)
  }

  #maybeFrom(peer: Peer, piece: PieceIndex): boolean {
    return peer.has.has(piece) && !peer.down.refused.has(piece)
  }
}
