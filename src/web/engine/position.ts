/** Where the player reads, and how long it can go on without more. */
import type { PieceIndex } from '../../core/piece-layout.ts'
import { pieceMsOf, type Watched } from './watched.ts'

/** A player that reads on may ask once more for what it had, or leave out a little: no jump. */
const NEAR_MS = 8_000
/** One answer to it may be longer than that plays, as sound is. */
const NEAR_BYTES = 2 * 1_024 * 1_024
/** What the server sends past us should be with the player by then. */
const PASSED_WITHIN = 250

export class Position {
  readonly #pieceMs: number
  readonly #nearPieces: number
  #next: PieceIndex
  #slackMs = 0
  #at = 0
  #isPlaying = true
  #passingUntil = -Infinity
  #rate = 1

  constructor(watched: Watched) {
    this.#next = watched.first
    this.#pieceMs = pieceMsOf(watched)
    this.#nearPieces = Math.ceil(Math.max(NEAR_MS / this.#pieceMs, NEAR_BYTES / watched.layout.pieceLength))
  }

  /** The first piece that it has not. */
  get next(): PieceIndex {
    return this.#next
  }

  /** Whether what it has before it is worth nothing when it asks for this piece. */
  isJump(piece: PieceIndex): boolean {
    return Math.abs(piece - this.#next) > this.#nearPieces
  }

  /** It asks for what lies in this piece. True when that is a jump. */
  reads(piece: PieceIndex, now: number): boolean {
    const isJump = this.isJump(piece)
    this.#next = piece
    if (isJump) {
      this.#slackMs = 0
      this.#at = now
    }
    return isJump
  }

  /** The server sends it past us what comes before the next piece, from now on. */
  passes(now: number): void {
    this.#passingUntil = now + PASSED_WITHIN
  }

  /** What is sent past us should have the line for itself. */
  isPassing(now: number): boolean {
    return now < this.#passingUntil
  }

  /** So much faster than the film's own rate it is played. */
  get rate(): number {
    return this.#rate
  }

  /** It has so much before it, in its own time, and uses it up unless it stands still. */
  told(slackMs: number, isPlaying: boolean, now: number, rate: number): void {
    this.#rate = rate
    this.#slackMs = slackMs
    this.#isPlaying = isPlaying
    this.#at = now
  }

  /** Until the player needs the piece; 0 when it waits for it. */
  dueMs(piece: PieceIndex, now: number): number {
    const used = this.#isPlaying ? now - this.#at : 0
    const between = ((piece - this.#next) * this.#pieceMs) / this.#rate
    return Math.max(0, Math.max(0, this.#slackMs - used) + between)
  }
}
