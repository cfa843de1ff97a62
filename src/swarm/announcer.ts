/**
 * Tells the tracker about one torrent, again and again: `started` first, `completed` when it is, `stopped` at
 * the end if anybody heard of the start. One announce is under way at a time. When to announce is decided in
 * `announce-policy.ts`, whom to ask in `tracker-tiers.ts`; what torrents tell each other is in `trackers.ts`.
 */
import type { IpAddress } from '../core/address.ts'
import { messageOf } from '../core/errors.ts'
import type { Random } from '../core/random.ts'
import { type Millis, millis, seconds } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'
import {
  type AnnounceReply,
  type AnnounceRequest,
  announceUrl,
  parseAnnounceReply,
} from '../wire/announce.ts'
import { limits } from '../wire/limits.ts'
import { nextAnnounceIn, type PeerNeed, retryAnnounceIn, retryRefusedIn } from './announce-policy.ts'
import type { FetchAnnounce } from './tracker-http.ts'
import type { Announcing, Trackers } from './trackers.ts'
import { hostOf, trackerOf, TrackerTiers } from './tracker-tiers.ts'

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
  readonly trackers: Trackers
  readonly urls: () => readonly (readonly string[])[]
  /** Where we stand now; the announcer adds the event. */
  readonly standing: () => Omit<AnnounceRequest, 'event'>
  readonly need: () => PeerNeed
  readonly onOutcome: (outcome: AnnounceOutcome) => void
}

const STOP_TIMEOUT = seconds(3)

type Event = 'started' | 'completed' | undefined

export class Announcer implements Announcing {
  readonly #parts: AnnouncerParts
  readonly #from: IpAddress | undefined
  readonly #aborter = new AbortController()
  readonly #tiers: TrackerTiers
  #timer: Timer | undefined
  #plannedAt: Millis | undefined
  #askedAt: Millis
  #isStopped = false
  #isUnderWay = false
  /** Ask again as soon as the one under way is over. */
  #isAskedAgain = false
  #pending: Event = 'started'
  #heardSince: Millis | undefined
  #failures = 0
  #starvingRounds = 0
  #lastGood: string | undefined
  /** The URL that is being asked. */
  #asking: string | undefined

  constructor(parts: AnnouncerParts, options: { readonly from: IpAddress | undefined }) {
    this.#parts = parts
    this.#from = options.from
    this.#tiers = new TrackerTiers(parts.random)
    this.#askedAt = parts.clock.now()
    parts.trackers.join(this)
  }

  get tracker(): string | undefined {
    return this.#lastGood
  }

  get askedAt(): Millis {
    return this.#askedAt
  }

  /** Now, whatever was planned, and whatever a tracker said of coming again. */
  announce(): void {
    if (this.#isStopped) return
    if (this.#isUnderWay) this.#isAskedAgain = true
    else void this.#round({ isForced: true })
  }

  announceWithin(spread: Millis): void {
    if (this.#isStopped || this.#isUnderWay) return
    const { clock, random } = this.#parts
    const at = millis(clock.now() + spread * random())
    if (this.#plannedAt === undefined || at < this.#plannedAt) this.#plan(at)
  }

  /** The last piece has come. */
  complete(): void {
    // Who starts complete never downloaded it: then `started` with nothing left says all.
    if (this.#heardSince !== undefined || this.#isUnderWay) this.#pending = 'completed'
    this.announce()
  }

  /** Says `stopped` where `started` was heard, or may just be; takes at most 3 s. Idempotent. */
  async stop(): Promise<void> {
    if (this.#isStopped) return
    this.#isStopped = true
    this.#timer?.cancel()
    this.#parts.trackers.leave(this)
    const asking = this.#asking
    this.#aborter.abort()
    const tracker =
      this.#heardSince !== undefined ? this.#lastGood : asking === undefined ? undefined : trackerOf(asking)
    const url = this.#tiers.inOrder(this.#parts.urls()).find((candidate) => trackerOf(candidate) === tracker)
    if (url === undefined) return
    const late = new AbortController()
    const timer = this.#parts.clock.after(STOP_TIMEOUT, () => late.abort())
    try {
      await this.#ask(url, 'stopped', late.signal)
    } catch {
      // Nobody is left to tell: the tracker forgets us when our time is over.
    } finally {
      timer.cancel()
    }
  }

  #plan(at: Millis): void {
    const { clock } = this.#parts
    this.#timer?.cancel()
    this.#plannedAt = at
    this.#timer = clock.after(
      millis(Math.max(0, at - clock.now())),
      () => void this.#round({ isForced: false }),
    )
  }

  async #round(how: { readonly isForced: boolean }): Promise<void> {
    this.#timer?.cancel()
    this.#plannedAt = undefined
    this.#askedAt = this.#parts.clock.now()
    this.#isUnderWay = true
    const wait = await this.#tryAll(this.#pending, how)
    this.#isUnderWay = false
    if (this.#isStopped) return
    if (this.#isAskedAgain) {
      this.#isAskedAgain = false
      void this.#round({ isForced: true })
    } else if (wait !== undefined) {
      this.#plan(millis(this.#parts.clock.now() + wait))
    }
  }

  /** Answers how long to wait; undefined when there is no tracker to ask. */
  async #tryAll(event: Event, { isForced }: { readonly isForced: boolean }): Promise<Millis | undefined> {
    const { clock, onOutcome } = this.#parts
    const waits: Millis[] = []
    let failed: Exclude<AnnounceOutcome, { kind: 'reply' }> | undefined
    for (const url of this.#tiers.inOrder(this.#parts.urls())) {
      const left = (this.#tiers.notBefore(url) ?? 0) - clock.now()
      if (left > 0 && !isForced) {
        waits.push(millis(left))
        continue
      }
      const outcome = await this.#once(url, event)
      if (this.#isStopped) return undefined
      if (outcome.kind === 'reply') return this.#onReply(outcome, event)
      if (outcome.kind === 'refused') this.#tiers.refused(url, millis(clock.now() + outcome.retryIn))
      waits.push(outcome.retryIn)
      // A tracker that says why tells more than one that is silent.
      if (failed?.kind !== 'refused') failed = outcome
    }
    if (waits.length === 0) return undefined
    const wait = millis(Math.min(...waits))
    if (failed !== undefined) {
      this.#failures++
      onOutcome({ ...failed, retryIn: wait })
    }
    return wait
  }

  #onReply(outcome: Extract<AnnounceOutcome, { kind: 'reply' }>, event: Event): Millis {
    const { url, reply } = outcome
    this.#failures = 0
    this.#heardSince ??= this.#parts.clock.now()
    this.#lastGood = trackerOf(url)
    this.#tiers.answered(url)
    if (this.#pending === event) this.#pending = undefined
    const { epoch, minIntervalMs: minInterval } = reply
    this.#parts.trackers.heard(this, this.#lastGood, { epoch, minInterval })
    this.#parts.onOutcome(outcome)
    return this.#waitAfter(reply)
  }

  async #once(url: string, event: Event): Promise<AnnounceOutcome> {
    const { random } = this.#parts
    try {
      const parsed = parseAnnounceReply(await this.#ask(url, event, this.#aborter.signal))
      if (parsed.kind === 'reply') return { kind: 'reply', url, reply: parsed.reply }
      const retryIn = retryRefusedIn(parsed.refusal.retryInMs, random)
      return { kind: 'refused', url, reason: parsed.refusal.reason, retryIn }
    } catch (error) {
      const retryIn = retryAnnounceIn(this.#failures + 1, random)
      return { kind: 'unreachable', url, reason: messageOf(error), retryIn }
    } finally {
      this.#asking = undefined
    }
  }

  #waitAfter(reply: AnnounceReply): Millis {
    const { clock, random } = this.#parts
    const need = this.#parts.need()
    this.#starvingRounds = need === 'anybody' ? this.#starvingRounds + 1 : 0
    const now = clock.now()
    const outlook = {
      interval: reply.intervalMs,
      minInterval: reply.minIntervalMs,
      need,
      starvingRounds: this.#starvingRounds,
      age: millis(now - (this.#heardSince ?? now)),
    }
    return nextAnnounceIn(outlook, random)
  }

  /** The time for an answer runs from when it is our turn: until then nobody was asked. */
  async #ask(url: string, event: Event | 'stopped', signal: AbortSignal): Promise<Uint8Array> {
    const { clock, fetch, trackers, standing } = this.#parts
    const giveBack = await trackers.slots.take(hostOf(url), signal)
    const late = new AbortController()
    const timer = clock.after(limits.requestTimeout, () => late.abort())
    try {
      this.#asking = url
      const now = event === 'stopped' ? { ...standing(), numWant: 0 } : standing()
      const request: AnnounceRequest = { ...now, ...(event !== undefined && { event }) }
      return await fetch(announceUrl(url, request), this.#from, AbortSignal.any([signal, late.signal]))
    } catch (error) {
      if (late.signal.aborted) throw new Error('the tracker did not answer in time', { cause: error })
      throw error
    } finally {
      timer.cancel()
      giveBack()
    }
  }
}
