/**
 * Who spoiled a piece. When all of it came from one peer there is no question. When several gave blocks, their
 * blocks' digests are kept until one peer alone has brought the piece whole: whoever's block differed from the
 * good one is guilty, and only they are.
 */
import { hash } from 'node:crypto'
import type { IpAddress } from '../core/address.ts'
import { BLOCK_BYTES, type PieceIndex } from '../core/piece-layout.ts'

interface SpoiledBlock {
  readonly digest: string
  readonly giver: IpAddress
}

/** Failed attempts that are remembered for one piece: enough to tell, and bounded. */
const ATTEMPTS_MAX = 8

export class Blame {
  readonly #attempts = new Map<PieceIndex, SpoiledBlock[][]>()

  /** The piece failed before with blocks of several peers: fetch it from one. */
  isSuspect(piece: PieceIndex): boolean {
    return this.#attempts.has(piece)
  }

  /**
   * The piece failed its hash; `givers` names who gave each block.
   * Answers who is guilty beyond doubt: the one giver, or nobody yet.
   */
  failed(piece: PieceIndex, bytes: Uint8Array, givers: readonly IpAddress[]): readonly IpAddress[] {
    const distinct = new Set(givers)
    if (distinct.size <= 1) return [...distinct]
    const attempts = this.#attempts.get(piece) ?? []
    if (attempts.length < ATTEMPTS_MAX)
      attempts.push(givers.map((giver, block) => ({ giver, digest: digestOf(bytes, block) })))
    this.#attempts.set(piece, attempts)
    return []
  }

  /** The piece is good now: answers who gave blocks that were not, once each. */
  verified(piece: PieceIndex, bytes: Uint8Array): readonly IpAddress[] {
    const attempts = this.#attempts.get(piece)
    if (attempts === undefined) return []
    this.#attempts.delete(piece)
    const guilty = new Set<IpAddress>()
    for (const blocks of attempts)
      for (const [block, { digest, giver }] of blocks.entries())
        if (digest !== digestOf(bytes, block)) guilty.add(giver)
    return [...guilty]
  }
}

const digestOf = (bytes: Uint8Array, block: number): string =>
  hash('sha1', bytes.subarray(block * BLOCK_BYTES, (block + 1) * BLOCK_BYTES), 'hex')
