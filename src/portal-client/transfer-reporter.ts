/**
 * Tells the portal every minute, and at the end, what was exchanged with whom. Nothing waits for it: a report that the
 * portal does not take is dropped, and the next one holds all that it held.
 */
import { messageOf, ShoalError } from '../core/errors.ts'
import type { InfoHash } from '../core/ids.ts'
import type { Random } from '../core/random.ts'
import { type Millis, millis, minutes, seconds } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { Transfer, TransfersTaken } from '../wire/api.ts'
import { limits } from '../wire/limits.ts'
import { type Moment, TransferSession, type TransferFigures, type TransferNow } from './transfer-session.ts'

export interface TransferSource {
  readonly infohash: InfoHash
  /** Undefined while it is not known what is there. */
  now(): TransferNow | undefined
  /** False: it is told of only once something was exchanged. */
  readonly tellsWhatItHas: boolean
}

export interface TransferReporterParts {
  readonly clock: Clock
  readonly random: Random
  readonly log: Logger
  readonly sources: () => Iterable<TransferSource>
  readonly send: (items: Transfer[], signal: AbortSignal) => Promise<TransfersTaken>
}

const EVERY = minutes(1)
/** How long leaving may wait for a portal that does not answer. */
const GOODBYE_MAX = seconds(2)
/** Sessions that have ended and that the portal lacks; the oldest are given up. */
const ENDED_MAX = 50

export class TransferReporter implements AsyncDisposable {
  readonly #parts: TransferReporterParts
  /** A refusal is for good: the grant is not known there, or the portal is older than reports. */
  readonly #endsWhenRefused: boolean
  readonly #open = new Map<InfoHash, TransferSession>()
  #ended: TransferSession[] = []
  #timer: Timer | undefined
  #sending: { readonly done: Promise<void>; readonly abort: AbortController } | undefined
  #isOver = false

  constructor(parts: TransferReporterParts, options: { readonly endsWhenRefused: boolean }) {
    this.#parts = parts
    this.#endsWhenRefused = options.endsWhenRefused
  }

  start(): void {
    // A release that everybody fetches at once is not told of by everybody at once.
    this.#waitFor(millis(EVERY * (0.5 + this.#parts.random() / 2)))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#timer?.cancel()
    if (this.#isOver) return
    this.#sending?.abort.abort(new Error('the last report takes its place'))
    await this.#sending?.done
    const timer = this.#parts.clock.after(GOODBYE_MAX, () =>
      this.#sending?.abort.abort(new Error('the portal does not answer')),
    )
    await this.#report()
    timer.cancel()
    this.#isOver = true
  }

  #waitFor(delay: Millis): void {
    this.#timer = this.#parts.clock.after(delay, () => {
      void this.#report()
      if (!this.#isOver) this.#waitFor(EVERY)
    })
  }

  /** Never rejects; not twice at once. */
  #report(): Promise<void> {
    if (this.#sending !== undefined || this.#isOver) return this.#sending?.done ?? Promise.resolve()
    this.#collect()
    const abort = new AbortController()
    const done = this.#sendAll(abort.signal).finally(() => (this.#sending = undefined))
    this.#sending = { done, abort }
    return done
  }

  #collect(): void {
    for (const source of this.#parts.sources()) {
      const now = source.now()
      if (now === undefined) continue
      const before = this.#open.get(source.infohash)
      if (before === undefined && !source.tellsWhatItHas && now.ends.length === 0) continue
      let session = before ?? this.#begin(source, atStart(now))
      if (session.isOver(this.#now)) session = this.#follow(source, session)
      for (let left = session.add(now); left.length > 0; left = session.add({ ...now, ends: left }))
        session = this.#follow(source, session) // it has met as many as one session holds
    }
  }

  get #now(): Moment {
    const { clock } = this.#parts
    return { at: clock.now(), date: clock.epoch() }
  }

  #begin({ infohash }: Pick<TransferSource, 'infohash'>, now: TransferFigures): TransferSession {
    const { random } = this.#parts
    const session = new TransferSession({ infohash, ...this.#now, now }, random)
    this.#open.set(infohash, session)
    return session
  }

  /** Begins where the one before ends. */
  #follow(source: TransferSource, before: TransferSession): TransferSession {
    if (before.isNews) this.#ended = [...this.#ended, before].slice(-ENDED_MAX)
    return this.#begin(source, before.figures)
  }

  async #sendAll(signal: AbortSignal): Promise<void> {
    const { log, send } = this.#parts
    // What an outage, or sleep, has made too old is lost: the portal would refuse all that is sent with it.
    this.#ended = this.#ended.filter((session) => !session.isTooOld(this.#now))
    for (const [infohash, session] of this.#open) if (session.isTooOld(this.#now)) this.#open.delete(infohash)
    const news = [...this.#ended, ...this.#open.values()].filter((session) => session.isNews)
    try {
      for (const part of partsOf(news)) {
        const messages = part.map((session) => session.message(this.#now))
        const { refused } = await send(
          messages.map(({ transfer }) => transfer),
          signal,
        )
        for (const { told } of messages) told()
        this.#forget(refused)
        this.#ended = this.#ended.filter((session) => session.isNews)
      }
    } catch (error) {
      log.debug({ reason: messageOf(error) }, 'the portal was not told of transfers')
      if (this.#endsWhenRefused && isRefusal(error)) this.#isOver = true
    }
  }

  /** What the portal does not believe is not to be told again: what follows is another session. */
  #forget(refused: TransfersTaken['refused']): void {
    if (refused.length === 0) return
    this.#parts.log.warn({ reason: refused[0]?.reason }, 'the portal refused figures of transfers')
    const ids = new Set(refused.map(({ session }) => session))
    for (const [infohash, session] of this.#open)
      if (ids.has(session.id)) this.#begin({ infohash }, session.figures)
  }
}

/** What was exchanged before the first look is part of the first session. */
function atStart({ haveBytes, webSeedBytes, ends }: TransferNow): TransferFigures {
  const received = ends.reduce((sum, end) => sum + end.receivedBytes, webSeedBytes)
  return { haveBytes: Math.max(0, haveBytes - received), webSeedBytes: 0 }
}

function* partsOf(sessions: readonly TransferSession[]): Generator<TransferSession[]> {
  let part: TransferSession[] = []
  let ends = 0
  for (const session of sessions) {
    const isFull =
      part.length >= limits.transferItemsMax || ends + session.endCount > limits.transferEndsPerReportMax
    if (isFull) {
      yield part
      part = []
      ends = 0
    }
    part.push(session)
    ends += session.endCount
  }
  if (part.length > 0) yield part
}

/** No outage, which passes. */
const isRefusal = (error: unknown): boolean =>
  error instanceof ShoalError && !['unavailable', 'over-limit', 'interrupted'].includes(error.code)
