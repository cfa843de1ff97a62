/** What the server is asked for: runs of neighbouring pieces over HTTP, few at a time, into the pieces block by block. */
import { messageOf } from '../../core/errors.ts'
import { BLOCK_BYTES, type PieceIndex, type PieceLayout } from '../../core/piece-layout.ts'
import type { EngineClock } from './channel.ts'
import type { PieceWork } from './piece-work.ts'

export interface ServerSource {
  /** Bytes of the whole release, as they come. @throws when they cannot be had; with `signal` aborted, too. */
  fetch(from: number, end: number, signal: AbortSignal): AsyncIterable<Uint8Array>
}

export interface ServerRunsParts {
  readonly clock: EngineClock
  readonly layout: PieceLayout
  /** How long one piece plays. */
  readonly pieceMs: number
  readonly server: ServerSource
  readonly workOf: (piece: PieceIndex) => PieceWork
  /** It began to fetch these. */
  readonly onBegun: (pieces: readonly PieceIndex[]) => void
  readonly onBytes: (bytes: number) => void
  readonly onWhole: (work: PieceWork) => void
  /** There is room for another run. */
  readonly onEnded: () => void
}

interface Run {
  readonly isUrgent: boolean
  readonly works: readonly PieceWork[]
  readonly aborter: AbortController
}

/** Of both kinds together: the player and a second window take answers of the portal, too. */
const RUNS_MAX = 2
/** Nobody waits for these, so there is one at a time. */
const RUNS_AHEAD_MAX = 1
/** So much playing is one run, a piece at least. The player waits for the urgent: a short run is there sooner. */
const URGENT_MS = 500
const AHEAD_MS = 2_000
const RUN_BYTES_MAX = 4 * 1_024 * 1_024
const RETRY_AFTER = 2_000

export class ServerRuns {
  readonly #parts: ServerRunsParts
  readonly #runs = new Set<Run>()
  #retryAt = 0
  /** Why the last run failed; undefined after one that did not. */
  trouble: string | undefined

  constructor(parts: ServerRunsParts) {
    this.#parts = parts
  }

  /** Both in the order in which they are due. */
  want(urgent: readonly PieceIndex[], ahead: readonly PieceIndex[]): void {
    if (this.#parts.clock.now() < this.#retryAt) return
    for (let rest = urgent; rest.length > 0 && this.#hasRoom(true);) {
      const run = this.#runOf(rest, URGENT_MS)
      this.#begin(run, true)
      rest = rest.slice(run.length)
    }
    if (ahead.length > 0 && this.#hasRoom(false)) this.#begin(this.#runOf(ahead, AHEAD_MS), false)
  }

  /** Ends what nobody needs any more. */
  review(isWanted: (piece: PieceIndex) => boolean): void {
    for (const run of [...this.#runs])
      if (!run.works.some((work) => !work.isWhole && isWanted(work.piece))) run.aborter.abort()
  }

  close(): void {
    for (const run of [...this.#runs]) run.aborter.abort()
  }

  #hasRoom(isUrgent: boolean): boolean {
    if (this.#runs.size >= RUNS_MAX) return false
    return isUrgent || [...this.#runs].filter((run) => !run.isUrgent).length < RUNS_AHEAD_MAX
  }

  /** The first of them and those that follow it at once. */
  #runOf(pieces: readonly PieceIndex[], playMs: number): readonly PieceIndex[] {
    const { layout, pieceMs } = this.#parts
    const most = Math.max(1, Math.floor(Math.min(playMs / pieceMs, RUN_BYTES_MAX / layout.pieceLength)))
    const [first = 0] = pieces
    return pieces.filter((piece, at) => piece === first + at).slice(0, most)
  }

  #begin(pieces: readonly PieceIndex[], isUrgent: boolean): void {
    const works = pieces.map(this.#parts.workOf)
    const run: Run = { isUrgent, works, aborter: new AbortController() }
    for (const work of works) work.isWithServer = true
    this.#runs.add(run)
    this.#parts.onBegun(pieces)
    void this.#carryOut(run).finally(() => {
      for (const work of works) work.isWithServer = false
      this.#runs.delete(run)
      this.#parts.onEnded()
    })
  }

  async #carryOut({ works, aborter }: Run): Promise<void> {
    const { clock, layout, server } = this.#parts
    const first = works[0]
    const last = works.at(-1)
    const from = first?.missingSpan()?.from
    if (first === undefined || last === undefined || from === undefined) return
    const start = layout.pieceStart(first.piece) + from
    const end = layout.pieceStart(last.piece) + (last.missingSpan()?.end ?? last.bytes.length)
    const blocks = new BlockCutter(layout, works, start)
    try {
      for await (const bytes of server.fetch(start, end, aborter.signal)) {
        this.#parts.onBytes(bytes.length)
        for (const work of blocks.take(bytes)) this.#parts.onWhole(work)
        if (works.every((work) => work.isWhole)) aborter.abort()
      }
      this.trouble = undefined
    } catch (error) {
      if (aborter.signal.aborted) return
      this.trouble = messageOf(error)
      this.#retryAt = clock.now() + RETRY_AFTER
    }
  }
}

/** Cuts what comes into the blocks of the pieces of one run. */
class BlockCutter {
  readonly #layout: PieceLayout
  readonly #works: ReadonlyMap<number, PieceWork>
  #block: Uint8Array = new Uint8Array(BLOCK_BYTES)
  #held = 0
  /** Where in the whole the block at hand begins. */
  #at: number

  constructor(layout: PieceLayout, works: readonly PieceWork[], start: number) {
    this.#layout = layout
    this.#works = new Map(works.map((work) => [work.piece, work]))
    this.#at = start
  }

  /** Which pieces have become whole by these bytes. */
  *take(bytes: Uint8Array): Generator<PieceWork> {
    for (let rest = bytes; rest.length > 0;) {
      const work = this.#works.get(Math.floor(this.#at / this.#layout.pieceLength))
      if (work === undefined) return // more than was asked for
      const block = Math.floor((this.#at - this.#layout.pieceStart(work.piece)) / BLOCK_BYTES)
      const length = this.#layout.blockBytes(work.piece, block)
      const part = rest.subarray(0, length - this.#held)
      this.#block.set(part, this.#held)
      this.#held += part.length
      rest = rest.subarray(part.length)
      if (this.#held < length) return
      const wasWhole = work.isWhole
      work.put(block, this.#block.subarray(0, length), 'server')
      this.#at += length
      this.#held = 0
      if (work.isWhole && !wasWhole) yield work
    }
  }
}
