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

/** Both ways of one torrent; each is made when the first block moves that way, since most seeds are never asked for. */
export class TorrentLimits<C extends Carrier> {
  readonly #parts: TorrentLimitsParts<C>
  readonly #options: TorrentLimitsOptions
  #down: WayLimits<C> | undefined
  #up: WayLimits<C> | undefined

  constructor(parts: TorrentLimitsParts<C>, options: TorrentLimitsOptions) {
    this.#parts = parts
    this.#options = options
  }

  get down(): Limiter<C> {
    return (this.#down ??= new WayLimits(this.#parts, 'down', this.#options.down))
  }

  get up(): Limiter<C> {
    return (this.#up ??= new WayLimits(this.#parts, 'up', this.#options.up))
  }

  /** Nothing moves between us any more. */
  left(carrier: C): void {
    this.#down?.left(carrier)
    this.#up?.left(carrier)
  }

  /** We have learned where we are. */
  moved(): void {
    this.#down?.moved()
    this.#up?.moved()
  }

  stop(): void {
    this.#down?.stop()
    this.#up?.stop()
  }
}

class WayLimits<C extends Carrier> implements Limiter<C> {
  readonly #parts: TorrentLimitsParts<C>
  readonly #way: Way
  /** Of this torrent alone. */
  readonly #own: RateBucket
  readonly #passages = new Map<C, { readonly passage: Passage; generation: number }>()
  #isStopped = false

  constructor(parts: TorrentLimitsParts<C>, way: Way, limit: RateLimit | undefined) {
    this.#parts = parts
    this.#way = way
    const { engine } = parts
    this.#own = engine.follow(limit === undefined ? engine.release[way] : scheduleOf(limit))
  }

  take(carrier: C, bytes: number): boolean {
    return this.#passage(carrier).take(bytes)
  }

  giveBack(carrier: C, bytes: number): void {
    this.#passage(carrier).giveBack(bytes)
  }

  charge(carrier: C, bytes: number): void {
    this.#passage(carrier).charge(bytes)
  }

  left(carrier: C): void {
    this.#passages.get(carrier)?.passage.close()
    this.#passages.delete(carrier)
  }

  moved(): void {
    for (const known of this.#passages.values()) known.generation = -1
  }

  stop(): void {
    this.#isStopped = true
    for (const carrier of [...this.#passages.keys()]) this.left(carrier)
    this.#parts.engine.drop(this.#own)
  }

  #passage(carrier: C): Passage {
    const { engine, onTurn } = this.#parts
    let known = this.#passages.get(carrier)
    if (known === undefined) {
      known = { passage: new Passage(() => onTurn(carrier, this.#way)), generation: -1 }
      this.#passages.set(carrier, known)
    }
    if (known.generation !== engine.generation) {
      known.generation = engine.generation
      known.passage.lead(this.#limitsOf(carrier.address))
    }
    return known.passage
  }

  /** The limits on the way, narrowest first as far as that can be known. */
  #limitsOf(host: IpAddress): readonly RateBucket[] {
    if (this.#isStopped) return [] // the last words of its peers
    const { engine, isNear, siteOf } = this.#parts
    const isLan = isNear(host)
    const site = isLan ? undefined : siteOf?.(host)
    const all = [
      site === undefined ? undefined : engine.toSite(site),
      ...(isLan ? [] : [engine.ownSite]),
      ...(isLan && engine.isLanExempt ? [] : [this.#own, engine.process[this.#way]]),
    ]
    return all.filter((bucket): bucket is RateBucket => bucket?.rate !== undefined)
  }
}
