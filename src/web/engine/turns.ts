/**
 * Whose turn it is to fetch what nobody has: of those who lack it, the one whose hash of peer and pieces is highest (rendezvous
 * hashing; Thaler and Ravishankar, 1998).
 */
import type { PieceIndex } from '../../core/piece-layout.ts'
import type { ViewerPeer } from './viewer-peer.ts'

/** Turns go by groups of pieces that play about so long, so that the server is asked for runs. */
const GROUP_MS = 2_000

export class Turns {
  readonly #self: string
  readonly #piecesOfGroup: number

  constructor({ self, pieceMs }: { readonly self: string; readonly pieceMs: number }) {
    this.#self = self
    this.#piecesOfGroup = Math.max(1, Math.round(GROUP_MS / pieceMs))
  }

  /** The first piece of the group of this one. */
  firstOf(piece: PieceIndex): PieceIndex {
    return (piece - (piece % this.#piecesOfGroup)) as PieceIndex
  }

  /** 0: it is ours. */
  rankFor(piece: PieceIndex, others: readonly ViewerPeer[]): number {
    const without = others.filter((peer) => !peer.has.has(piece)).map((peer) => peer.id)
    return rankOf(this.firstOf(piece), this.#self, without)
  }
}

/** How many of the others come before us for this group of pieces. */
function rankOf(group: number, self: string, others: Iterable<string>): number {
  const own = weightOf(group, self)
  let rank = 0
  for (const other of others) {
    const weight = weightOf(group, other)
    if (weight > own || (weight === own && other > self)) rank++
  }
  return rank
}

/** FNV-1a, 32 bits, and its bits mixed once more (MurmurHash3's finalizer): ids that are alike give weights that are not. */
function weightOf(group: number, peer: string): number {
  let hash = 0x811c9dc5
  const text = `${group} ${peer}`
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193)
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b)
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35)
  return (hash ^ (hash >>> 16)) >>> 0
}
