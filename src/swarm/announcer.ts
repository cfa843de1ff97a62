/**
 * Tells the tracker about one torrent, again and again: `started` first, `completed` when it is, `stopped` at
 * the end if anybody heard of the start. One announce is under way at a time. When to announce is decided in
 * `announce-policy.ts`, whom to ask in `tracker-tiers.ts`.
 */
import type { IpAddress } from '../core/address.ts'
import { messageOf } from '../core/errors.ts'
import type { Random } from '../core/random.ts'
import { type Millis, seconds } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import {
  type AnnounceReply,
  type AnnounceRequest,
  announceUrl,
  parseAnnounceReply,
} from '../wire/announce.ts'
import { limits } from '../wire/limits.ts'
import { nextAnnounceIn, retryAnnounceIn, retryRefusedIn } from './announce-policy.ts'
import type { FetchAnnounce } from './tracker-http.ts'
import { trackerOf, urlsToTry } from './tracker-tiers.ts'

export type AnnounceOutcome =
  | { readonly kind: 'reply'; readonly url: string; readonly reply: AnnounceReply }
  | {
      readonly kind: 'refused' | 'unreachable'
      readonly url: string
      readonly reason: string
      readonly retryIn: Millis
    }

export interface AnnouncerParts {
  readonly clock: Clock
  readonly random: Random
  readonly fetch: FetchAnnounce
  readonly urls: () => readonly (readonly string[])[]
  /** Where we stand now; the announcer adds the event. */
  readonly standing: () => Omit<AnnounceRequest, 'event'>
  /** We want pieces and have nobody to get them from. */
  readonly isStarving: () => boolean
  readonly onOutcome: (outcome: AnnounceOutcome) => void
}

const STOP_TIMEOUT = seconds(3)

type Event = 'started' | 'completed' | undefined

export class Announcer {
  readonly #parts: AnnouncerParts
  readonly #from: IpAddress | undefined
  readonly #aborter = new AbortController()
  #timer: Timer | undefined
  #isStopped = false
  #isUnderWay = false
  /** Ask again as soon as the one under way is over. */
  #isAskedAgain = false
  #pending: Event = 'started'
  #wasHeard = false
  #failures = 0
  #starvingRounds = 0
  #lastGood: string | undefined
  /** The URL that is being asked. */
  #asking: string | undefined

  constructor(parts: AnnouncerParts, options: { readonly from: IpAddress | undefined }) {
    this.#parts = parts
    this.#from = options.from
  }

  /** Now, whatever was planned. */
  announce(): void {
    if (this.#isStopped) return
    this.#timer?.cancel()
    if (this.#isUnderWay) this.#isAskedAgain = true
    else void this.#round()
  }

  /** The last piece has come. */
  complete(): void {
    // Who starts complete never downloaded it: then `started` with nothing left says all.
    if (this.#wasHeard || this.#isUnderWay) this.#pending = 'completed'
    this.announce()
  }

  /** Says `stopped` where `started` was heard, or may just be; takes at most 3 s. Idempotent. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#timer?.cancel()
    const asking = this.#asking
    this.#aborter.abort()
    const tracker = this.#wasHeard ? this.#lastGood : asking === undefined ? undefined : trackerOf(asking)
    const url = urlsToTry(this.#parts.urls(), this.#lastGood, this.#parts.random).find(
      (candidate) => trackerOf(candidate) === tracker,
    )
    if (url === undefined) return
    const request = { ...this.#parts.standing(), numWant: 0, event: 'stopped' } as const
    // Nobody is left to tell when it fails: the tracker forgets us when our time is over.
    await this.#ask(url, request, STOP_TIMEOUT, new AbortController()).catch(() => undefined)
  }

  async #round(): Promise<void> {
    this.#isUnderWay = true
    const event = this.#pending
    const wait = await this.#tryAll(event)
    this.#isUnderWay = false
    if (this.#isStopped) return
    if (this.#isAskedAgain) {
      this.#isAskedAgain = false
      void this.#round()
    } else if (wait !== undefined) {
      this.#timer = this.#parts.clock.after(wait, () => void this.#round())
    }
  }

  /** Answers how long to wait; undefined when there is no tracker to ask. */
  async #tryAll(event: Event): Promise<Millis | undefined> {
    const urls = urlsToTry(this.#parts.urls(), this.#lastGood, this.#parts.random)
    let outcome: AnnounceOutcome | undefined
    for (const url of urls) {
      outcome = await this.#once(url, event)
      if (this.#isStopped) return undefined
      if (outcome.kind === 'reply') break
    }
    if (outcome === undefined) return undefined
    if (outcome.kind !== 'reply') {
      this.#parts.onOutcome(outcome)
      return outcome.retryIn
    }
    this.#failures = 0
    this.#wasHeard = true
    this.#lastGood = trackerOf(outcome.url)
    if (this.#pending === event) this.#pending = undefined
    this.#parts.onOutcome(outcome)
    return this.#waitAfter(outcome.reply)
  }

  async #once(url: string, event: Event): Promise<AnnounceOutcome> {
    const { random } = this.#parts
    this.#asking = url
    try {
      const request = { ...this.#parts.standing(), ...(event !== undefined && { event }) }
      const parsed = parseAnnounceReply(await this.#ask(url, request, limits.requestTimeout, this.#aborter))
      if (parsed.kind === 'reply') return { kind: 'reply', url, reply: parsed.reply }
      const retryIn = retryRefusedIn(parsed.refusal.retryInMs, random)
      return { kind: 'refused', url, reason: parsed.refusal.reason, retryIn }
    } catch (error) {
      this.#failures++
      const retryIn = retryAnnounceIn(this.#failures, random)
      return { kind: 'unreachable', url, reason: messageOf(error), retryIn }
    } finally {
      this.#asking = undefined
    }
  }

  #waitAfter(reply: AnnounceReply): Millis {
    const isStarving = this.#parts.isStarving()
    this.#starvingRounds = isStarving ? this.#starvingRounds + 1 : 0
    return nextAnnounceIn(
      {
        interval: reply.intervalMs,
        minInterval: reply.minIntervalMs,
        isStarving,
        starvingRounds: this.#starvingRounds,
      },
      this.#parts.random,
    )
  }

  async #ask(
    url: string,
    request: AnnounceRequest,
    timeout: Millis,
    aborter: AbortController,
  ): Promise<Uint8Array> {
    const late = new AbortController()
    const timer = this.#parts.clock.after(timeout, () => late.abort(new Error('it did not answer in time')))
    try {
      const signal = AbortSignal.any([aborter.signal, late.signal])
      return await this.#parts.fetch(announceUrl(url, request), this.#from, signal)
    } catch (error) {
      if (late.signal.aborted) throw new Error('the tracker did not answer in time', { cause: error })
      throw error
    } finally {
      timer.cancel()
    }
  }
}
