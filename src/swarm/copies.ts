/**
 * How many copies of each piece there are among the peers that could give it to us: at our site, and elsewhere.
 * Origins are not counted: they are asked last. Nor are peers of our site that keep us waiting: what they have would
 * never be fetched from anywhere else.
 */
import type { PieceIndex } from '../core/piece-layout.ts'
import type { Peer } from './peer.ts'
import { RarityIndex } from './rarity-index.ts'

export type Place = 'near' | 'far' | 'nowhere'

export interface Counted {
  readonly place: Place
  /** It had everything at once: it stands for a copy of each piece. */
  readonly isWhole: boolean
}

export class Copies {
  readonly near: RarityIndex
  readonly far: RarityIndex
  /** Our site is so slow that what it has is fetched elsewhere too. */
  isNearSlow = false
  readonly #pieces: number
  readonly #onOpened: (piece: PieceIndex) => void
  readonly #whole = { near: 0, far: 0, nowhere: 0 }

  /** `onOpened`: somebody who is not of our site has the piece. */
  constructor(pieces: number, onOpened: (piece: PieceIndex) => void) {
    this.#pieces = pieces
    this.near = new RarityIndex(pieces)
    this.far = new RarityIndex(pieces)
    this.#onOpened = onOpened
  }

  /** The piece may be started (again). */
  open(piece: PieceIndex): void {
    this.near.add(piece)
    this.far.add(piece)
  }

  /** The piece is being fetched, is there, or is not wanted. */
  close(piece: PieceIndex): void {
    this.near.remove(piece)
    this.far.remove(piece)
  }

  /** Pieces that can be started. */
  get startable(): number {
    return this.near.size
  }

  /** Somebody of our site has it, and our site gives what it has. */
  isHere(piece: PieceIndex): boolean {
    if (this.isNearSlow) return false
    return this.#whole.near > 0 || this.near.copiesOf(piece) > 0
  }

  /** Somebody elsewhere who is no origin has it. */
  isElsewhere(piece: PieceIndex): boolean {
    return this.#whole.far > 0 || this.far.copiesOf(piece) > 0
  }

  /** Counts what a peer has; once. */
  came(peer: Peer): void {
    if (peer.down.counted !== undefined) return
    const counted = { place: placeOf(peer), isWhole: peer.has.isFull }
    peer.down.counted = counted
    if (counted.isWhole) this.#whole[counted.place]++
    else for (const piece of peer.has.partial()) this.#count(peer, counted.place, piece)
  }

  got(peer: Peer, piece: PieceIndex): void {
    const { counted } = peer.down
    if (counted === undefined) this.came(peer)
    else if (!counted.isWhole) this.#count(peer, counted.place, piece)
  }

  /** The peer, which had the piece, does not have it any more. */
  lost(peer: Peer, piece: PieceIndex): void {
    const { counted } = peer.down
    if (counted?.isWhole === false) this.#index(counted.place)?.decrement(piece)
    else this.recount(peer)
  }

  left(peer: Peer): void {
    const { counted } = peer.down
    if (counted === undefined) return
    peer.down.counted = undefined
    if (counted.isWhole) {
      this.#whole[counted.place]--
      return
    }
    const index = this.#index(counted.place)
    // One that has become full since was still counted piece by piece.
    if (!peer.has.isFull) for (const piece of peer.has.partial()) index?.decrement(piece)
    else for (let piece = 0; piece < this.#pieces; piece++) index?.decrement(piece as PieceIndex)
  }

  /** Where it is may have changed, or whether it can be counted on. */
  moved(peer: Peer): void {
    const { counted } = peer.down
    if (counted !== undefined && counted.place !== placeOf(peer)) this.recount(peer)
  }

  recount(peer: Peer): void {
    this.left(peer)
    this.came(peer)
  }

  #count(peer: Peer, place: Place, piece: PieceIndex): void {
    this.#index(place)?.increment(piece)
    if (peer.source !== 'site') this.#onOpened(piece)
  }

  #index(place: Place): RarityIndex | undefined {
    return place === 'nowhere' ? undefined : this[place]
  }
}

function placeOf(peer: Peer): Place {
  if (peer.source === 'otherSites') return 'far'
  return peer.source === 'site' && !peer.down.isWaitedFor ? 'near' : 'nowhere'
}
