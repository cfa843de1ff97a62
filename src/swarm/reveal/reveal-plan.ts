/**
 * What an origin shows to whom (BEP 16, site by site). Peers are told that nothing is here; then HAVE by HAVE each
 * new piece goes to one host of one site, so that every byte of the origin's line is a byte that nobody else could
 * have sent. Who is not served by its site is helped: nobody starves. Told what happens, it answers what to show;
 * it sends nothing itself. The same events and the same chance give the same answers.
 */
import type { PieceIndex, PieceLayout } from '../../core/piece-layout.ts'
import type { Random } from '../../core/random.ts'
import { KiB, type Millis, millis, seconds } from '../../core/units.ts'
import { Assist } from './assist.ts'
import type { Host, PeerFacts, RevealPeer } from './host.ts'
import { LATE_TIMES, patience } from './patience.ts'
import { rarestFor } from './rarest-for.ts'
import type { SiteFeed } from './site-feed.ts'
import { SwarmBook } from './swarm-book.ts'

export interface Showing<P> {
  readonly peer: P
  readonly piece: PieceIndex
  /** It was chosen to fetch this one; otherwise it only sees that the piece is there. */
  readonly isChosen: boolean
}

/**
 * Shown ahead of what was sent, in time at the rate seen: requests cross the line (two round trips), and blocks wait in
 * sockets. All sites together have less than each might have by itself, so that it counts who comes first.
 */
const AHEAD_S = 0.4
const AHEAD_ALL_S = 0.2
/** A client begins with few requests and asks for more with each block that comes: it has to find some. */
const AHEAD_MIN_BYTES = 128 * KiB
/**
 * Somebody alone has nobody to share with: it shall never wait for a HAVE, also where what is lost comes again after a
 * while. What has arrived there says how fast that is; the rate at which its system takes bytes is that of its buffers at
 * first, and on a thin line would be minutes of work, kept from who comes next.
 */
const AHEAD_ALONE_S = 2
const AHEAD_ALONE_UNPROVEN_S = 0.6
const AHEAD_ALONE_PIECES = 16
/** Shown and not there in so long, or three times what is usual: it will not come from there. */
const LATE_MIN = seconds(2)
/**
 * Who sees what it lacks and asks for nothing may want other files, or is Transmission, which looks at what it is
 * interested in every ten seconds.
 */
const GLIMPSE_AFTER = seconds(12)
const GLIMPSE_PAUSE = seconds(2)
const GLIMPSE_AFTER_ALONE = millis(500)

export class RevealPlan<P extends RevealPeer> {
  readonly #layout: PieceLayout
  readonly #random: Random
  readonly #book: SwarmBook<P>
  readonly #assist: Assist<P>
  /** Fresh pieces that everybody who may be given them was shown before; tried again at each tick. */
  #parked: PieceIndex[] = []
  #out: Showing<P>[] = []
  #isAllOut = false

  constructor(layout: PieceLayout, random: Random) {
    this.#layout = layout
    this.#random = random
    this.#book = new SwarmBook(layout, random)
    this.#assist = new Assist(layout.pieceLength)
  }

  get size(): number {
    return this.#book.hosts.size
  }

  knows(peer: P): boolean {
    return this.#book.hosts.has(peer)
  }

  joined(peer: P, facts: PeerFacts, now: Millis): void {
    this.#book.joined(peer, facts, now)
  }

  left(peer: P): void {
    this.#book.left(peer)
  }

  /** It has said what it has, all at once. */
  toldPieces(peer: P, now: Millis): void {
    this.#book.toldPieces(peer, now)
  }

  /** A HAVE that is news. */
  got(peer: P, piece: PieceIndex, now: Millis): void {
    this.#book.got(peer, piece, now)
  }

  /** BEP 54: it has the piece no more. */
  lost(peer: P, piece: PieceIndex, now: Millis): void {
    this.#book.lost(peer, piece, now)
  }

  /** It asked for a block. */
  asked(peer: P, piece: PieceIndex, now: Millis): void {
    this.#book.asked(peer, piece, now)
  }

  sent(peer: P, piece: PieceIndex, bytes: number, now: Millis): void {
    this.#book.sent(peer, piece, bytes, now)
  }

  /** We have it no more. */
  gone(piece: PieceIndex): void {
    this.#book.ledger.goes(piece)
  }

  /** It is to be served whoever else waits: new pieces reach others through it, or it has nobody else. */
  isFed(peer: P): boolean {
    const host = this.#book.hosts.get(peer)
    if (host === undefined || host.isDone) return false
    return host.isHelped || host.pending.size > 0 || host.site.feeders.includes(host)
  }

  /** Somebody lacks something: who has it is worth knowing, also where nothing is to be got from him. */
  get isAnyoneLacking(): boolean {
    return this.#lacking().length > 0
  }

  /** Several times a second: who is late, who starves, who looks for something else. */
  tick(now: Millis): void {
    const { hosts, sites, ledger } = this.#book
    for (const piece of this.#parked.splice(0)) ledger.putBack(piece)
    const isAlone = this.#lacking().length <= 1
    const late = Math.max(LATE_MIN, LATE_TIMES * this.#book.arrivals.value)
    for (const host of hosts.values()) {
      if (host.isSeed) continue
      host.isSated = false
      this.#expire(host, late, now)
      if (now - Math.max(host.newAt, host.askedAt) >= this.#helpAfter(host)) host.isHelped = true
      const [span, pause] = isAlone
        ? [GLIMPSE_AFTER_ALONE, GLIMPSE_AFTER_ALONE]
        : [GLIMPSE_AFTER, GLIMPSE_PAUSE]
      if (host.looksElsewhere(now, span, pause))
        this.#glimpse(host, isAlone ? this.#layout.count : 2 * host.shown.count, now)
    }
    for (const site of sites.values()) site.isSated = false
    this.#assist.tick(sites.values(), this.#isAllOut, now)
  }

  /** What is to be shown now. */
  next(now: Millis): Showing<P>[] {
    const lacking = this.#lacking()
    const alone = this.#aloneOf(lacking)
    if (alone !== undefined) this.#feedAlone(alone, now)
    else {
      this.#isAllOut = this.#feedSites(now)
      for (const host of lacking)
        if (host.isHelped)
          this.#feed(host, this.#ahead(host.meter.rate(now), host.reaction.at(now) / 1_000), now)
      if (this.#isAllOut) for (const site of this.#book.sites.values()) this.#feedAssisted(site, now)
    }
    return this.#out.splice(0)
  }

  #helpAfter(host: Host<P>): number {
    const { arrivals, layout } = this.#book
    const lacks = layout.count - host.counted.count
    return patience({ isAllOut: this.#isAllOut, lacks, usualArrival: arrivals.value })
  }

  #lacking(): Host<P>[] {
    return [...this.#book.hosts.values()].filter((host) => !host.isDone)
  }

  /** The only one that lacks anything, if nobody but us can give him anything. */
  #aloneOf(lacking: readonly Host<P>[]): Host<P> | undefined {
    const [host] = lacking
    if (host === undefined || lacking.length > 1) return undefined
    for (const other of this.#book.hosts.values())
      if (other !== host && (other.isSeed || other.counted.count > 0)) return undefined
    return host
  }

  /** Many at a time, when half are used up. */
  #feedAlone(host: Host<P>, now: Millis): void {
    const ahead = Math.max(
      host.meter.rate(now) * AHEAD_ALONE_UNPROVEN_S,
      host.site.intake.rate(now) * AHEAD_ALONE_S,
    )
    const most = Math.max(AHEAD_ALONE_PIECES * this.#layout.pieceLength, ahead)
    if (host.openBytes < most / 2) this.#feed(host, most, now)
  }

  /** In seconds. */
  get #crossing(): number {
    return (2 * this.#book.roundTrip.value) / 1_000
  }

  #ahead(rateBps: number, reactionS: number): number {
    const aheadS = Math.max(AHEAD_S, reactionS) + this.#crossing
    return Math.max(this.#layout.pieceLength / 2, AHEAD_MIN_BYTES, rateBps * aheadS)
  }

  #feed(host: Host<P>, aheadBytes: number, now: Millis): void {
    while (host.openBytes < aheadBytes && this.#showRarest(host, now));
  }

  /**
   * True when nothing is left that nobody was given. Our line is shared: as long as sites that pass on have room, the
   * others wait; when those have what they can take, the line is not left idle.
   */
  #feedSites(now: Millis): boolean {
    const { ledger } = this.#book
    const fed = [...this.#book.sites.values()].filter((site) => site.feeders.length > 0)
    const room = new Map(
      fed.map((site) => [site, this.#ahead(site.rateBps(now), site.reactionS(now)) - site.openBytes]),
    )
    let left = this.#roomInAll(fed, now)
    for (;;) {
      const open = [...room]
        .filter(([site, bytes]) => bytes > 0 && (left > 0 || site.openBytes === 0))
        .map(([site]) => site)
        .toSorted((a, b) => a.unspread - b.unspread || a.given - b.given)
      if (open.length === 0) return false
      const piece = ledger.takeFresh()
      if (piece === undefined) return this.#parked.length === 0
      const host = open.map((site) => site.feederFor(piece)).find((found) => found !== undefined)
      if (host === undefined) this.#parked.push(piece)
      else {
        this.#show(host, piece, now)
        const bytes = this.#layout.pieceBytes(piece)
        room.set(host.site, (room.get(host.site) ?? 0) - bytes)
        left -= bytes
      }
    }
  }

  /**
   * Bytes that all sites together may be shown: less than each might be by itself, so that who comes first counts. One
   * piece each has besides: who takes nothing of what it was shown keeps nobody else from it.
   */
  #roomInAll(sites: readonly SiteFeed<P>[], now: Millis): number {
    const aheadS = (site: SiteFeed<P>): number =>
      AHEAD_ALL_S + this.#crossing + Math.max(0, site.reactionS(now) - AHEAD_S)
    const room = sites.reduce((sum, site) => sum + site.rateBps(now) * aheadS(site), 0)
    const open = sites.reduce((sum, site) => sum + site.openBytes, 0)
    return Math.max(sites.length * this.#ahead(0, 0), room) - open
  }

  /** What a site lacks as a whole, to those that bring it in. */
  #feedAssisted(site: SiteFeed<P>, now: Millis): void {
    if (site.isSated || !this.#assist.isOn(site)) return
    const ahead = this.#ahead(site.rateBps(now), site.reactionS(now))
    const isNewHere = (piece: PieceIndex): boolean => site.copiesOf(piece) === 0
    while (site.openBytes < ahead) {
      const host = site.feeders.toSorted((a, b) => a.openBytes - b.openBytes)[0]
      if (host !== undefined && this.#showRarest(host, now, isNewHere)) continue
      site.isSated = true
      return
    }
  }

  #showRarest(host: Host<P>, now: Millis, suits?: (piece: PieceIndex) => boolean): boolean {
    if (host.isSated) return false
    const piece = rarestFor(host, this.#book.ledger, this.#random, suits)
    if (piece === undefined) {
      host.isSated = suits === undefined
      return false
    }
    this.#show(host, piece, now)
    return true
  }

  #show(host: Host<P>, piece: PieceIndex, now: Millis): void {
    this.#book.show(host, piece, now)
    this.#out.push({ peer: host.peer, piece, isChosen: true })
  }

  /** What was shown long ago and is not there: for others, unless it waits for us. */
  #expire(host: Host<P>, late: number, now: Millis): void {
    const { up, connection, isChoked } = host.peer
    if (up.queue.length > 0 || connection.queuedBytes > 0) return
    for (const [piece, { shownAt }] of host.pending) {
      if (now - Math.max(shownAt, host.askedAt) < late) continue
      host.settle(piece, now)
      this.#book.release(host, piece)
      if (!isChoked && host.askedAt < shownAt) host.isSlack = true
    }
  }

  /** Shows so many more without waiting for any of them. */
  #glimpse(host: Host<P>, pieces: number, now: Millis): void {
    const start = Math.floor(this.#random() * this.#layout.count)
    for (let i = 0, left = pieces; i < this.#layout.count && left > 0; i++) {
      const piece = ((start + i) % this.#layout.count) as PieceIndex
      if (!host.mayBeShown(piece) || this.#book.ledger.isGone(piece)) continue
      host.glimpse(piece, now)
      this.#out.push({ peer: host.peer, piece, isChosen: false })
      left--
    }
  }
}
