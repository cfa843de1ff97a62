/** Pieces that we are fetching, when others of our site or an origin say something about them. */
import type { PieceIndex } from '../core/piece-layout.ts'
import type { BlockChooser } from './block-chooser.ts'
import type { Peer } from './peer.ts'
import type { PieceAssembly } from './piece-assembly.ts'
import type { SiteWork } from './site/site-work.ts'

export interface DividedPiecesParts {
  readonly chooser: BlockChooser
  readonly site: SiteWork
  /** All that was asked for it is to be taken back; what has come of it is kept. */
  readonly letGo: (assembly: PieceAssembly) => void
}

/** Pieces that one peer has suggested and that we have not come to. */
const HINTS_MAX = 256

export class DividedPieces {
  readonly #parts: DividedPiecesParts

  constructor(parts: DividedPiecesParts) {
    this.#parts = parts
  }

  /** A peer of our site has it: what has not come of it from elsewhere comes from there. */
  isHere(piece: PieceIndex, peer: Peer): void {
    const { site, chooser, letGo } = this.#parts
    const assembly = site.isHere(piece, peer.id) ? chooser.get(piece) : undefined
    if (assembly !== undefined) letGo(assembly)
  }

  /** An origin chose us for it. */
  hinted(peer: Peer, piece: PieceIndex): void {
    if (!this.#parts.chooser.isOpen(piece)) return
    const { hints } = peer.down
    if (hints.size >= HINTS_MAX) for (const oldest of hints) if (hints.delete(oldest)) break
    hints.add(piece)
  }

  /** What we are slow to get from others is taken where it was offered. */
  mindOffers(peer: Peer): void {
    const { site, chooser } = this.#parts
    if (peer.isChokingUs) return
    for (const piece of peer.down.hints) {
      const assembly = site.isFetching(piece) && site.isSlow(piece) ? chooser.get(piece) : undefined
      if (assembly === undefined || assembly.owner === peer || assembly.isExclusive) continue
      this.leave(piece)
      chooser.open(piece) // of which nothing had come it was given up
      if (chooser.give(piece, peer)) site.began(piece)
      peer.down.hints.delete(piece)
    }
  }

  /** Somebody of our site is fetching it and comes before us. */
  leave(piece: PieceIndex): void {
    const { site, chooser, letGo } = this.#parts
    const assembly = chooser.get(piece)
    site.gaveUp(piece)
    if (assembly !== undefined) letGo(assembly)
  }

  /** The share of it that has come, 0..1. */
  shareOf(piece: PieceIndex): number {
    const assembly = this.#parts.chooser.get(piece)
    return assembly === undefined ? 0 : assembly.receivedBlocks / assembly.blocks
  }
}
