/**
 * Whether a whole piece is what was published, and who spoiled it when it is not. One giver: it is proven. Several: the piece is
 * fetched again, and whoever's blocks differ from the good ones has lied; nobody else is blamed.
 */
import { BLOCK_BYTES, type PieceIndex } from '../../core/piece-layout.ts'
import type { Giver, PieceWork } from './piece-work.ts'
import type { ViewerPeer } from './viewer-peer.ts'
import { isHashOf, type Watched } from './watched.ts'

export interface Verdict {
  readonly isGood: boolean
  /** Beyond doubt. */
  readonly liars: readonly ViewerPeer[]
}

interface Spoiled {
  readonly bytes: Uint8Array
  readonly givers: readonly (Giver | undefined)[]
}

/** Failed attempts that are kept: each is as large as a piece. */
const SPOILED_MAX = 8

export class Proof {
  readonly #watched: Watched
  readonly #sha1: (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>
  readonly #spoiled = new Map<PieceIndex, Spoiled>()

  constructor(watched: Watched, sha1: (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>) {
    this.#watched = watched
    this.#sha1 = sha1
  }

  /** The piece failed before, with blocks of several: the server is asked for it, whom we need not suspect. */
  isSuspect(piece: PieceIndex): boolean {
    return this.#spoiled.has(piece)
  }

  async judge({ piece, bytes, givers }: PieceWork): Promise<Verdict> {
    const isGood = isHashOf(this.#watched, piece, await this.#sha1(bytes))
    const before = this.#spoiled.get(piece)
    if (isGood) {
      this.#spoiled.delete(piece)
      return { isGood, liars: before === undefined ? [] : whoDiffers(before, bytes) }
    }
    const peers = [...new Set(givers)].filter((giver) => giver !== undefined && giver !== 'server')
    // the server alone: nobody else is to be doubted, and whoever has it may be asked
    if (peers.length === 0) return { isGood, liars: [] }
    const [only] = peers
    if (only !== undefined && peers.length === 1 && givers.every((giver) => giver === only))
      return { isGood, liars: [only] }
    this.#spoiled.set(piece, { bytes, givers })
    for (const oldest of this.#spoiled.keys()) {
      if (this.#spoiled.size <= SPOILED_MAX) break
      this.#spoiled.delete(oldest)
    }
    return { isGood, liars: [] }
  }
}

function whoDiffers(spoiled: Spoiled, good: Uint8Array): ViewerPeer[] {
  const liars = new Set<ViewerPeer>()
  for (const [block, giver] of spoiled.givers.entries()) {
    if (giver === undefined || giver === 'server' || liars.has(giver)) continue
    const [from, end] = [block * BLOCK_BYTES, Math.min(good.length, (block + 1) * BLOCK_BYTES)]
    for (let at = from; at < end; at++)
      if (good[at] !== spoiled.bytes[at]) {
        liars.add(giver)
        break
      }
  }
  return [...liars]
}
