/** Who could give us what, from where, and how much may be asked of each at once. */
import { BLOCK_BYTES, type PieceIndex, type PieceLayout } from '../core/piece-layout.ts'
import { type Millis, seconds } from '../core/units.ts'
import { limits } from '../wire/limits.ts'
import { Copies } from './copies.ts'
import { FarSites } from './far-sites.ts'
import type { Deadlines } from './deadlines.ts'
import type { Peer } from './peer.ts'
import { RateMeter } from './rate-meter.ts'
import { queueBlocks } from './request-queue.ts'
import type { SiteWork } from './site/site-work.ts'

export interface SourcesParts {
  readonly layout: PieceLayout
  readonly site: SiteWork
  readonly deadlines: Deadlines
}

/** A peer of our site that has something and chokes us for so long is not counted on. */
const CHOKED_FOR_LONG = seconds(10)

/** No LAN is as slow as this, bytes a second, for so long. */
const NEAR_SLOW_BPS = 250_000
/** Nor brings it so little of the most that ever came. */
const NEAR_SLOW_SHARE = 0.4
const NEAR_SLOW_FOR = seconds(3)
/** Nor does it take so long to answer. */
const NEAR_ANSWER_MAX = seconds(1)

export class Sources {
  readonly copies: Copies
  readonly #site: SiteWork
  readonly #deadlines: Deadlines
  readonly #farSites = new FarSites()
  readonly #meter = new RateMeter()
  /** The most that ever came, from all together. */
  #bestBps = 0
  #nearSlowSince: Millis | undefined
  readonly #blocksOfPiece: number

  constructor({ layout, site, deadlines }: SourcesParts) {
    this.#site = site
    this.#deadlines = deadlines
    this.copies = new Copies(layout.count, (piece) => site.opened(piece))
    this.#blocksOfPiece = Math.ceil(layout.pieceLength / BLOCK_BYTES)
  }

  /** What it has is known. Harmless when repeated. */
  came(peer: Peer): void {
    this.copies.came(peer)
    if (peer.down.farSite === undefined) this.#place(peer)
  }

  got(peer: Peer, piece: PieceIndex): void {
    if (peer.down.counted === undefined) this.came(peer)
    else this.copies.got(peer, piece)
  }

  /** The peer, which had the piece, does not have it any more. */
  lost(peer: Peer, piece: PieceIndex): void {
    this.copies.lost(peer, piece)
  }

  /** It is seen at another place now, or has begun or ceased to keep us waiting. */
  moved(peer: Peer): void {
    this.copies.moved(peer)
    this.#place(peer)
  }

  left(peer: Peer): void {
    this.copies.left(peer)
    this.#place(peer)
  }

  /** What a peer of our site has is not fetched from elsewhere, unless it keeps us waiting for it. */
  mindWaiting(peer: Peer, now: Millis): void {
    const { down } = peer
    const isChoking = peer.isChokingUs && now - peer.chokingUsSince > CHOKED_FOR_LONG
    // It is asked for nothing, since it has said no to whatever we want of it.
    const isRefusing = down.refused.size > 0 && down.requests.size === 0
    const isWaitedFor = peer.areWeInterested && (down.isSnubbing || isChoking || isRefusing)
    if (isWaitedFor === down.isWaitedFor) return
    down.isWaitedFor = isWaitedFor
    this.moved(peer)
  }

  /** A block came. */
  received(peer: Peer, bytes: number, now: Millis): void {
    peer.down.meter.add(bytes, now)
    this.#meter.add(bytes, now)
    peer.down.farSite?.came(bytes, now)
  }

  /**
   * Once a second. A colleague's machine on a bad Wi-Fi, or one that limits what it sends, must not keep a whole site
   * from what a link to elsewhere could bring.
   */
  mindNear(peers: Iterable<Peer>, now: Millis): void {
    let longest = 0
    for (const peer of peers)
      if (peer.source === 'site') longest = Math.max(longest, peer.down.waitedFor(now))
    const rate = this.#meter.rate(now)
    this.#bestBps = Math.max(this.#bestBps, rate)
    const slowBps = Math.max(NEAR_SLOW_BPS, NEAR_SLOW_SHARE * this.#bestBps)
    // A limit of our own lets us ask for little, and that is answered at once. What comes from elsewhere meanwhile ends nothing.
    const isSlow = longest > NEAR_ANSWER_MAX && (this.copies.isNearSlow || rate < slowBps)
    if (!isSlow) this.#nearSlowSince = undefined
    else this.#nearSlowSince ??= now
    this.copies.isNearSlow = this.#nearSlowSince !== undefined && now - this.#nearSlowSince >= NEAR_SLOW_FOR
  }

  /** Blocks that it should have on their way to us. */
  blocksWanted(peer: Peer, now: Millis): number {
    const { farSite, owed } = peer.down
    const isPlayed = this.#deadlines.isActive
    const speed = peer.down.speed(now, { requestsInMax: peer.requestsInMax, isPlayed })
    // One source alone is asked for what fills the line; of several, what they owe us together is what waits there.
    const isOnly = this.#site.isAlone && this.#farSites.count <= 1
    if (farSite === undefined || isOnly || isPlayed) return queueBlocks(speed)
    const isChosen = peer.source === 'origin' && peer.down.hints.size > 0
    const room = this.#farSites.roomFor(
      farSite,
      { speed, blocksOfPiece: this.#blocksOfPiece, isChosen, isAlone: this.#site.isAlone },
      now,
    )
    return Math.min(limits.requestsOutMax, peer.requestsInMax, owed + room)
  }

  #place(peer: Peer): void {
    const before = peer.down.farSite
    const isFar = peer.source !== 'site' && !peer.isClosed
    peer.down.isAt(isFar ? this.#farSites.enter(peer.address, peer.source === 'origin') : undefined)
    if (before !== undefined) this.#farSites.leave(before)
  }
}
