/**
 * What the web seed needs of the rest of the process. The portal knows no seeder and no tracker: whoever puts the
 * process together says where bytes and copies are.
 */
import type { InfoHash } from '../../core/ids.ts'
import type { PieceIndex } from '../../core/piece-layout.ts'

/** A part of one piece. */
export interface Stretch {
  readonly piece: PieceIndex
  /** From where in the piece, in bytes. */
  readonly offset: number
  readonly length: number
}

export interface WebSeedContent {
  /**
   * These bytes, whose piece was hashed and is what was published; a copy, the caller's own. Undefined when they cannot
   * be had: nobody serves the release here now, what lies on the disk is something else, or `gone` is aborted.
   */
  read(infoHash: InfoHash, stretch: Stretch, gone: AbortSignal): Promise<Uint8Array | undefined>
  /** Peers that are no origins and have everything at this moment. */
  seeds(infoHash: InfoHash): number
}
