/**
 * Other sites as we take from them, and how much may be under way. All machines of a site share its link, and all that
 * we take comes in over ours: so it counts by site and in all, not by peer. Little is begun at a time, so that pieces
 * are whole early: a whole piece that others can have is worth more than halves of two.
 */
import type { IpAddress } from '../core/address.ts'
import { BLOCK_BYTES } from '../core/piece-layout.ts'
import { defaultSite } from '../core/site.ts'
import { type Millis, millis } from '../core/units.ts'
import { RateMeter } from './rate-meter.ts'
import type { PeerSpeed } from './request-queue.ts'

/** Beyond the round trip: what waits in the queues of links that whole sites share. */
const SLACK = millis(250)
/** The sites together may have so many times what our rate makes of it: else none could become faster. */
const ALL_TIMES = 2
/** Who is alone shares its link with nobody, and has nobody who brings what a slow source holds up. */
const ALL_TIMES_ALONE = 4
/** However slow they are: one piece of each, and one besides, so that one slow source does not hold up the others. */
const PIECES_OF_SITE_MIN = 1
const PIECES_OF_ALL_MIN = 2
/** Of large pieces this much will do. */
const BLOCKS_MIN_MOST = 20

/** We know no other site's ranges: a network of the size of a default site stands for one. */
export class FarSite {
  readonly meter = new RateMeter()
  /** Blocks asked for and not answered. */
  outstanding = 0
  peers = 0
  readonly #all: FarSites

  constructor(all: FarSites) {
    this.#all = all
  }

  /** So many blocks more, or with a minus fewer. */
  asked(blocks: number): void {
    this.outstanding += blocks
    this.#all.outstanding += blocks
  }

  came(bytes: number, now: Millis): void {
    this.meter.add(bytes, now)
    this.#all.meter.add(bytes, now)
  }
}

export interface Asking {
  readonly speed: PeerSpeed
  readonly blocksOfPiece: number
  /** By an origin, for what is asked. */
  readonly isChosen: boolean
  /** Nobody else of our site is here. */
  readonly isAlone: boolean
}

export class FarSites {
  readonly meter = new RateMeter()
  outstanding = 0
  readonly #sites = new Map<string, FarSite>()

  get count(): number {
    return this.#sites.size
  }

  /** One peer more is there. An origin stands for itself. */
  enter(host: IpAddress, isOrigin: boolean): FarSite {
    const key = isOrigin ? `origin ${host}` : defaultSite(host).name
    const site = this.#sites.get(key) ?? new FarSite(this)
    this.#sites.set(key, site)
    site.peers++
    return site
  }

  leave(site: FarSite): void {
    if (--site.peers > 0) return
    for (const [key, other] of this.#sites) if (other === site) this.#sites.delete(key)
  }

  /**
   * Blocks that may be asked for now of a peer there; none when it is below 1. What an origin chose us for does not wait
   * for those who are slow: no more of it is shown than can be sent.
   */
  roomFor(site: FarSite, { speed, blocksOfPiece, isChosen, isAlone }: Asking, now: Millis): number {
    if (speed.isSnubbing) return site.outstanding === 0 ? 1 : 0
    const delay = farDelay(speed.roundTrip)
    const ofSite = Math.max(leastOf(PIECES_OF_SITE_MIN, blocksOfPiece), blocksIn(site.meter.rate(now), delay))
    const room = ofSite - site.outstanding
    if (isChosen) return room
    const times = isAlone ? ALL_TIMES_ALONE : ALL_TIMES
    const ofAll = Math.max(
      leastOf(PIECES_OF_ALL_MIN, blocksOfPiece),
      times * blocksIn(this.meter.rate(now), delay),
    )
    return Math.min(room, ofAll - this.outstanding)
  }
}

/** From asking for a block elsewhere to its coming. */
export const farDelay = (roundTrip: Millis | undefined): number => (roundTrip ?? 0) + SLACK

const leastOf = (pieces: number, blocksOfPiece: number): number =>
  Math.min(BLOCKS_MIN_MOST, pieces * blocksOfPiece)

const blocksIn = (rateBps: number, delay: number): number =>
  Math.ceil((rateBps * delay) / 1_000 / BLOCK_BYTES)
