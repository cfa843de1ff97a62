/**
 * What becomes of a whole piece: it is kept and passed on, or fetched anew and whoever spoiled it is told of. Where nothing that
 * comes can be kept, or the server itself gives what was not published, trying again and again would empty the server for a player
 * that stands still: there is an end to it.
 */
import { messageOf } from '../../core/errors.ts'
import type { PieceIndex } from '../../core/piece-layout.ts'
import type { PieceWork } from './piece-work.ts'
import { Proof } from './proof.ts'
import type { ViewerPeer } from './viewer-peer.ts'
import type { Watched } from './watched.ts'

export interface JudgingParts {
  readonly watched: Watched
  readonly sha1: (bytes: Uint8Array<ArrayBuffer>) => Promise<Uint8Array>
  /** It is what was published. @throws when it cannot be kept. */
  readonly onGood: (piece: PieceIndex, bytes: Uint8Array<ArrayBuffer>) => void
  /** It sent what was not published. */
  readonly onLiar: (peer: ViewerPeer) => void
  /** Whatever the verdict was. */
  readonly onJudged: (piece: PieceIndex) => void
  readonly onNote: (sentence: string) => void
  /** Nothing that comes is of use; why, as what follows "All from the server:". Once. */
  readonly onUseless: (reason: string) => void
}

/** In a row: one may be chance. */
const FAILURES_MAX = 3
/** In all: right ones in between come from elsewhere, and the wrong one is what the player waits for. */
const WRONG_OF_SERVER_MAX = 3

export class Judging {
  readonly #parts: JudgingParts
  readonly #proof: Proof
  #failures = 0
  #wrongOfServer = 0
  #isClosed = false

  constructor(parts: JudgingParts) {
    this.#parts = parts
    this.#proof = new Proof(parts.watched, parts.sha1)
  }

  /** It failed before, by blocks of several: only the server is asked for it. */
  isSuspect(piece: PieceIndex): boolean {
    return this.#proof.isSuspect(piece)
  }

  async judge(work: PieceWork): Promise<void> {
    const { onGood, onJudged, onLiar, onNote } = this.#parts
    try {
      const { isGood, liars } = await this.#proof.judge(work)
      for (const liar of liars) onLiar(liar)
      if (this.#isClosed) return
      if (isGood) {
        onGood(work.piece, work.bytes)
        this.#failures = 0
      } else if (work.givers.every((giver) => giver === 'server')) {
        onNote('the server sent what was not published')
        if (++this.#wrongOfServer >= WRONG_OF_SERVER_MAX)
          this.#end('what it sends is not what was published, so that nobody can pass it on')
      }
    } catch (error) {
      const reason = messageOf(error)
      onNote(`a piece could not be kept: ${reason}`)
      if (++this.#failures >= FAILURES_MAX) this.#end(`this browser cannot keep what comes (${reason})`)
    } finally {
      onJudged(work.piece)
    }
  }

  close(): void {
    this.#isClosed = true
  }

  #end(reason: string): void {
    if (this.#isClosed) return
    this.#isClosed = true
    this.#parts.onUseless(reason)
  }
}
