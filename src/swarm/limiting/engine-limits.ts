/**
 * The limits that all torrents of an engine share: of the process, of the site that it is at, of each site that it
 * sends to. They follow their schedules and the site map; whoever is led past them looks at `generation`.
 */
import {
  NO_LIMIT,
  type Rate,
  type RateLimit,
  type RateSchedule,
  scheduleOf,
  scheduleRate,
  type WallTime,
} from '../../core/rate-schedule.ts'
import type { Site } from '../../core/site.ts'
import { bytesPerSecond, type EpochMillis } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import { RateBucket } from './rate-bucket.ts'

/** Into this machine, or out of it. */
export type Way = 'down' | 'up'

export interface EngineLimitsParts {
  readonly clock: Clock
  readonly wallTime: (epoch: EpochMillis) => WallTime
}

export interface EngineLimitsOptions {
  /** Of all torrents together. */
  readonly down?: RateLimit | undefined
  readonly up?: RateLimit | undefined
  /** Of each torrent that has no limits of its own. */
  readonly releaseDown?: RateLimit | undefined
  readonly releaseUp?: RateLimit | undefined
  /** What stays within our site is under none of them. */
  readonly isLanExempt: boolean
}

/** How many ticks the site map is believed to be as it was. */
const SITES_EVERY_TICKS = 10
/** Buckets of sites that nobody has been at for a while go when there are more than this. */
const SITES_KEPT_MAX = 1_024

export class EngineLimits {
  readonly isLanExempt: boolean
  readonly process: Readonly<Record<Way, RateBucket>>
  readonly release: Readonly<Record<Way, RateSchedule>>
  /** What we may use of the budget of our own site, in and out together. */
  readonly ownSite: RateBucket
  /** Rises when the way of a peer may be another one than it was. */
  generation = 0
  readonly #clock: Clock
  readonly #wallTime: EngineLimitsParts['wallTime']
  /** What follows a schedule that changes. */
  readonly #followers = new Map<RateBucket, RateSchedule>()
  readonly #sites = new Map<string, RateBucket>()
  #ticks = 0

  constructor({ clock, wallTime }: EngineLimitsParts, options: EngineLimitsOptions) {
    this.#clock = clock
    this.#wallTime = wallTime
    this.isLanExempt = options.isLanExempt
    this.release = { down: scheduleOf(options.releaseDown), up: scheduleOf(options.releaseUp) }
    this.process = { down: this.follow(scheduleOf(options.down)), up: this.follow(scheduleOf(options.up)) }
    this.ownSite = new RateBucket(clock, undefined)
  }

  /** A bucket that has the schedule's rate at all times, until it is {@link drop}ped. */
  follow(schedule: RateSchedule = NO_LIMIT): RateBucket {
    const bucket = new RateBucket(this.#clock, scheduleRate(schedule, this.#now))
    if (schedule.rules.length > 0) this.#followers.set(bucket, schedule)
    return bucket
  }

  drop(bucket: RateBucket): void {
    bucket.stop()
    this.#followers.delete(bucket)
  }

  /** What all that we exchange with `site` passes; undefined when the operator has set it no budget. */
  toSite({ name, wanBytesPerSecond = 0 }: Site): RateBucket | undefined {
    if (wanBytesPerSecond === 0) return undefined
    const rate = bytesPerSecond(wanBytesPerSecond)
    let bucket = this.#sites.get(name)
    if (bucket === undefined) this.#sites.set(name, (bucket = new RateBucket(this.#clock, rate)))
    bucket.setRate(rate)
    return bucket
  }

  /** What is ours of the budget of our site. */
  setShare(share: Rate): void {
    this.#set(this.ownSite, share)
  }

  /** Once a second. */
  tick(): void {
    const at = this.#now
    for (const [bucket, schedule] of this.#followers) this.#set(bucket, scheduleRate(schedule, at))
    if (++this.#ticks % SITES_EVERY_TICKS !== 0) return
    this.generation++
    if (this.#sites.size > SITES_KEPT_MAX) this.#forgetSites()
  }

  stop(): void {
    for (const bucket of [...this.#followers.keys(), ...Object.values(this.process), this.ownSite])
      bucket.stop()
    this.#forgetSites()
  }

  get #now(): WallTime {
    return this.#wallTime(this.#clock.epoch())
  }

  #set(bucket: RateBucket, rate: Rate): void {
    // Before those who wait are resumed, since they may be led another way now.
    if ((rate === undefined) !== (bucket.rate === undefined)) this.generation++
    bucket.setRate(rate)
  }

  /** Whoever waits at one is led to a new one at the next look. */
  #forgetSites(): void {
    for (const bucket of this.#sites.values()) bucket.stop()
    this.#sites.clear()
  }
}
