/**
 * What the page for operators shows of the tracker in the same process. The portal knows no tracker: whoever puts
 * the process together says where the figures come from. Totals become figures a second here.
 */
import type { GrantId, InfoHash } from '../core/ids.ts'
import { type Millis, minutes, seconds } from '../core/units.ts'
import type { Clock, Timer } from '../platform/clock.ts'

export interface LiveFigures {
  /** Since the start, by outcome: `admitted`, or a kind of refusal. */
  readonly announces: Readonly<Record<string, number>>
  readonly swarms: number
  readonly peers: number
  /** Since the start. */
  readonly crossSiteIntroductions: number
  readonly webSockets: number
  /** Since the start; absent where there is no UDP. */
  readonly udp?: { readonly connects: number; readonly dropped: number }
  /** Largest first. Walks all peers, so it is called only when somebody looks. */
  readonly peersBySite: () => readonly SitePeers[]
  /** Peers that have all of a release at this moment, origins and mirrors not among them. */
  readonly seeds: (infohash: InfoHash) => number
  /** Whose they are, at most `max`; absent where that is not known. */
  readonly seedsOf?: (infohash: InfoHash, max: number) => readonly LiveSeed[]
}

export interface LiveSeed {
  readonly grant: GrantId
  readonly site: string
}

export interface SitePeers {
  readonly site: string
  readonly peers: number
}

export type LiveSource = () => LiveFigures

interface Sample {
  readonly at: Millis
  readonly announces: Readonly<Record<string, number>>
  readonly crossSiteIntroductions: number
}

/** So old a sample is at most what rates are counted from. */
const WINDOW = minutes(1)
const SAMPLE_EVERY = seconds(5)

/** A minute of samples, so that a rate is that of the last minute. */
export class LiveRates implements Disposable {
  readonly #clock: Clock
  readonly #source: LiveSource
  readonly #samples: Sample[] = []
  readonly #timer: Timer
  #sites: { readonly at: Millis; readonly list: readonly SitePeers[] } | undefined

  constructor(parts: { readonly clock: Clock; readonly source: LiveSource }) {
    this.#clock = parts.clock
    this.#source = parts.source
    this.#take(parts.source())
    this.#timer = parts.clock.every(SAMPLE_EVERY, () => {
      this.#take(parts.source())
    })
  }

  /** Peers that have all of it, beside origins and mirrors. */
  seeds(infohash: InfoHash): number {
    return this.#source().seeds(infohash)
  }

  /** Whose they are, at most `max`. */
  seedsOf(infohash: InfoHash, max: number): readonly LiveSeed[] {
    return this.#source().seedsOf?.(infohash, max) ?? []
  }

  /** The figures now, with how many a second there were in the last minute, or since the start if that is shorter. */
  now(): LiveNow {
    const figures = this.#source()
    const [from] = this.#samples
    const passed = from === undefined ? 0 : (this.#clock.now() - from.at) / 1_000
    const rate = (total: number, before: number | undefined): number =>
      passed <= 0 ? 0 : Math.max(0, total - (before ?? 0)) / passed
    const announces = Object.entries(figures.announces).map(
      ([outcome, total]) => [outcome, rate(total, from?.announces[outcome])] as const,
    )
    return {
      figures,
      sites: this.#sitesNow(figures),
      rates: {
        announces: new Map(announces),
        crossSiteIntroductions: rate(figures.crossSiteIntroductions, from?.crossSiteIntroductions),
      },
    }
  }

  #sitesNow({ peersBySite }: LiveFigures): readonly SitePeers[] {
    const at = this.#clock.now()
    if (this.#sites === undefined || at - this.#sites.at >= SAMPLE_EVERY)
      this.#sites = { at, list: peersBySite() }
    return this.#sites.list
  }

  [Symbol.dispose](): void {
    this.#timer.cancel()
  }

  #take({ announces, crossSiteIntroductions }: LiveFigures): void {
    const at = this.#clock.now()
    this.#samples.push({ at, announces: { ...announces }, crossSiteIntroductions })
    // The first is kept as long as the second is not a minute old.
    while (this.#samples[1] !== undefined && at - this.#samples[1].at >= WINDOW) this.#samples.shift()
  }
}

export interface LiveNow {
  readonly figures: LiveFigures
  /** Five seconds old at most. */
  readonly sites: readonly SitePeers[]
  readonly rates: LiveRatesNow
}

export interface LiveRatesNow {
  readonly announces: ReadonlyMap<string, number>
  readonly crossSiteIntroductions: number
}
