/** The limits that the peers of one torrent are under, each its own: who is next door is under none. */
import type { IpAddress } from '../../core/address.ts'
import { type RateLimit, scheduleOf } from '../../core/rate-schedule.ts'
import type { Site } from '../../core/site.ts'
import type { EngineLimits, Way } from './engine-limits.ts'
import { Passage } from './passage.ts'
import type { RateBucket } from './rate-bucket.ts'

/** Whose bytes they are: a peer, or whatever else they are fetched from. */
export interface Carrier {
  readonly address: IpAddress
}

/** What is asked before a block moves one way. */
export interface Limiter<C extends Carrier> {
  /** False: not now, and nothing was taken; `onTurn` comes when it is worth asking again. */
  take(carrier: C, bytes: number): boolean
  /** What was taken for did not happen. */
  giveBack(carrier: C, bytes: number): void
  /** It came though nothing is taken for it any more. */
  charge(carrier: C, bytes: number): void
}

export interface TorrentLimitsParts<C extends Carrier> {
  readonly engine: EngineLimits
  /** Whether a fast network is between us. */
  readonly isNear: (host: IpAddress) => boolean
  /** Where an origin, which knows the map, sees it. */
  readonly siteOf?: ((host: IpAddress) => Site) | undefined
  readonly onTurn: (carrier: C, way: Way) => void
}

export interface TorrentLimitsOptions {
  readonly down?: RateLimit | undefined
  readonly up?: RateLimit | undefined
}

export class TorrentLimits<C extends Carrier> {
  readonly down: Limiter<C>
  readonly up: Limiter<C>
  readonly #parts: TorrentLimitsParts<C>
  readonly #options: TorrentLimitsOptions
  readonly #passages: Readonly<Record<Way, Map<C, { readonly passage: Passage; generation: number }>>> = {
    down: new Map(),
    up: new Map(),
  }
  /** Made when the first peer comes: most seeds are never asked for. */
  #buckets: Readonly<Record<Way, RateBucket>> | undefined
  #isStopped = false

  constructor(parts: TorrentLimitsParts<C>, options: TorrentLimitsOptions) {
    this.#parts = parts
    this.#options = options
    this.down = this.#limiter('down')
    this.up = this.#limiter('up')
  }

  /** Nothing moves between us any more. */
  left(carrier: C): void {
    for (const passages of Object.values(this.#passages)) {
      passages.get(carrier)?.passage.close()
      passages.delete(carrier)
    }
  }

  /** We have learned where we are. */
  moved(): void {
    for (const passages of Object.values(this.#passages))
      for (const known of passages.values()) known.generation = -1
  }

  stop(): void {
    this.#isStopped = true
    for (const passages of Object.values(this.#passages))
      for (const carrier of [...passages.keys()]) this.left(carrier)
    for (const bucket of Object.values(this.#buckets ?? {})) this.#parts.engine.drop(bucket)
    this.#buckets = undefined
  }

  #limiter(way: Way): Limiter<C> {
    return {
      take: (carrier, bytes) => this.#passage(carrier, way).take(bytes),
      giveBack: (carrier, bytes) => this.#passage(carrier, way).giveBack(bytes),
      charge: (carrier, bytes) => this.#passage(carrier, way).charge(bytes),
    }
  }

  #passage(carrier: C, way: Way): Passage {
    const { engine, onTurn } = this.#parts
    let known = this.#passages[way].get(carrier)
    if (known === undefined) {
      known = { passage: new Passage(() => onTurn(carrier, way)), generation: -1 }
      this.#passages[way].set(carrier, known)
    }
    if (known.generation !== engine.generation) {
      known.generation = engine.generation
      known.passage.lead(this.#way(carrier.address, way))
    }
    return known.passage
  }

  /** The limits on the way, narrowest first as far as that can be known. */
  #way(host: IpAddress, way: Way): RateBucket[] {
    if (this.#isStopped) return [] // the last words of its peers
    const { engine, isNear, siteOf } = this.#parts
    const isLan = isNear(host)
    const site = isLan ? undefined : siteOf?.(host)
    return [
      ...(site === undefined ? [] : [engine.toSite(site)]),
      ...(isLan ? [] : [engine.ownSite]),
      ...(isLan && engine.isLanExempt ? [] : [this.#own(way), engine.process[way]]),
    ].filter((bucket) => bucket?.rate !== undefined) as RateBucket[]
  }

  #own(way: Way): RateBucket {
    const { engine } = this.#parts
    const follow = (of: Way): RateBucket =>
      engine.follow(this.#options[of] === undefined ? engine.release[of] : scheduleOf(this.#options[of]))
    this.#buckets ??= { down: follow('down'), up: follow('up') }
    return this.#buckets[way]
  }
}
