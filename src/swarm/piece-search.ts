/** The rarest piece that a peer has and that suits, with a bound on what is looked at: torrents have 200,000 pieces. */
import type { PieceIndex } from '../core/piece-layout.ts'
import type { Random } from '../core/random.ts'
import { type Millis, millis } from '../core/units.ts'
import type { Peer } from './peer.ts'
import type { RarityIndex } from './rarity-index.ts'

/** Pieces that are looked at in one go. */
export const LOOKS_MAX = 4_096

/** Who has been looked through in vain is left alone so long, and longer the more there was to look at. */
const IDLE_MIN_MS = 20
const IDLE_MS_A_PIECE = 0.002

export const idleAfterLooking = (pieces: number): Millis =>
  millis(IDLE_MIN_MS + IDLE_MS_A_PIECE * Math.min(LOOKS_MAX, pieces))

export interface PieceSearch {
  readonly peer: Peer
  /** Its copies are counted in the index, each one. */
  readonly isCounted: boolean
  readonly looksMax: number
  readonly random: Random
}

/** `suits` also looks whether the peer has it. Among equally rare ones, chance decides. */
export function findPiece(
  index: RarityIndex,
  { peer, isCounted, looksMax, random }: PieceSearch,
  suits: (piece: PieceIndex) => boolean,
): PieceIndex | undefined {
  // Of few it is soon said which are rare; among all pieces they would have to be looked for.
  if (!peer.has.isFull && peer.has.count <= LOOKS_MAX && peer.has.count < index.size)
    return rarestOf(peer.has.partial(), index, suits, random)
  return index.find(suits, random, { copiesMin: isCounted ? 1 : 0, looksMax })
}

function rarestOf(
  pieces: Iterable<PieceIndex>,
  index: RarityIndex,
  suits: (piece: PieceIndex) => boolean,
  random: Random,
): PieceIndex | undefined {
  let best: PieceIndex | undefined
  let fewest = Infinity
  let ties = 0
  for (const piece of pieces) {
    const copies = index.copiesOf(piece)
    if (copies > fewest || !index.has(piece) || !suits(piece)) continue
    if (copies < fewest) ties = 0
    fewest = copies
    if (random() * ++ties < 1) best = piece
  }
  return best
}
