/** Pieces that come whole, from somebody who is no peer: taken out of the peers' hands, judged like theirs. */
import type { PieceIndex } from '../core/piece-layout.ts'
import type { Blame } from './blame.ts'
import type { BlockChooser } from './block-chooser.ts'
import type { DownloaderParts } from './downloader.ts'

export interface WholePiecesParts extends Pick<
  DownloaderParts,
  'isGood' | 'onVerified' | 'onSpoiled' | 'onGuilty' | 'onWasted' | 'onFreed' | 'pool'
> {
  readonly chooser: BlockChooser
  readonly blame: Blame
}

export class WholePieces {
  readonly #parts: WholePiecesParts

  constructor(parts: WholePiecesParts) {
    this.#parts = parts
  }

  /** It is to be fetched, and no peer is at it. */
  isFree(piece: PieceIndex): boolean {
    return this.#parts.chooser.isFree(piece)
  }

  /** Peers that have the piece, origins and those that have everything not counted. */
  copiesOf(piece: PieceIndex): number {
    return this.#parts.chooser.copiesOf(piece)
  }

  /** For a free piece: no peer is asked for it until it was {@link brought} or {@link giveBack given back}. */
  claim(piece: PieceIndex): void {
    const given = this.#parts.chooser.claim(piece)
    if (given > 0) this.#parts.onWasted(given)
  }

  giveBack(piece: PieceIndex): void {
    this.#parts.chooser.want(piece)
    this.#parts.onFreed()
  }

  /** A claimed piece is here; its buffer is taken over. False when it is not what it should be, and free again. */
  brought(piece: PieceIndex, bytes: Uint8Array): boolean {
    const { isGood, blame, pool, onVerified, onSpoiled, onGuilty } = this.#parts
    if (!isGood(piece, bytes)) {
      onSpoiled(piece, bytes.length)
      pool.release(bytes)
      this.giveBack(piece)
      return false
    }
    const guilty = blame.verified(piece, bytes)
    onVerified(piece, bytes, [])
    if (guilty.length > 0) onGuilty(guilty)
    return true
  }
}
