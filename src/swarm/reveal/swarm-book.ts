/**
 * What an origin knows of the swarm: who is where, who has what, what was shown to whom. Kept in step with what
 * happens; decides nothing.
 */
import type { PieceIndex, PieceLayout } from '../../core/piece-layout.ts'
import type { Random } from '../../core/random.ts'
import type { Millis } from '../../core/units.ts'
import { Host, type PeerFacts, type RevealPeer } from './host.ts'
import { RecentMedian } from '../recent-median.ts'
import { PieceLedger } from './piece-ledger.ts'
import { RecentLeast } from './recent-least.ts'
import { SiteFeed } from './site-feed.ts'

export class SwarmBook<P extends RevealPeer> {
  readonly layout: PieceLayout
  readonly hosts = new Map<P, Host<P>>()
  readonly sites = new Map<string, SiteFeed<P>>()
  readonly ledger: PieceLedger<Host<P>>
  /** Seeds of which nobody is known to have got anything. */
  readonly #unproven = new Set<Host<P>>()
  /** From being shown to being there. */
  readonly arrivals = new RecentMedian()
  /** From being shown to being asked for, with nothing that waits in between. */
  readonly roundTrip = new RecentLeast()

  constructor(layout: PieceLayout, random: Random) {
    this.layout = layout
    this.ledger = new PieceLedger(layout.count, random)
  }

  joined(peer: P, facts: PeerFacts, now: Millis): void {
    if (this.hosts.has(peer)) return
    const site = this.sites.get(facts.site) ?? new SiteFeed(facts.site, this.layout.count)
    this.sites.set(facts.site, site)
    const host = new Host<P>(peer, facts, { site, pieces: this.layout.count, now })
    this.hosts.set(peer, host)
    site.hosts.add(host)
    this.toldPieces(peer, now)
  }

  toldPieces(peer: P, now: Millis): void {
    const host = this.hosts.get(peer)
    if (host === undefined || host.isSeed) return
    if (!peer.has.isFull) {
      for (const piece of peer.has.partial()) this.#seen(host, piece, now)
      return
    }
    host.isSeed = true
    // It was shown something before it said so: nothing of that is waited for.
    for (const piece of [...host.pending.keys()]) host.settle(piece, now)
    for (const piece of [...host.held]) this.release(host, piece)
    this.#unproven.add(host)
  }

  /** Seeds are believed once somebody has got what we gave to nobody: one that only says so must not hold us back. */
  #countSeeds(): void {
    for (const host of this.#unproven) {
      host.isCountedWhole = true
      host.site.countSeed(1)
      this.ledger.seedCame()
    }
    this.#unproven.clear()
  }

  left(peer: P): void {
    const host = this.hosts.get(peer)
    if (host === undefined) return
    this.hosts.delete(peer)
    this.#unproven.delete(host)
    host.site.hosts.delete(host)
    if (host.isCountedWhole) {
      this.ledger.seedLeft()
      host.site.countSeed(-1)
    }
    for (const piece of host.counted) this.#uncount(host, piece)
    for (const piece of [...host.held]) this.release(host, piece)
    if (host.site.hosts.size === 0) this.sites.delete(host.site.name)
  }

  got(peer: P, piece: PieceIndex, now: Millis): void {
    const host = this.hosts.get(peer)
    if (host === undefined || host.isSeed) return
    if (this.#unproven.size > 0 && !this.ledger.isOut(piece)) this.#countSeeds()
    this.#seen(host, piece, now)
  }

  lost(peer: P, piece: PieceIndex, now: Millis): void {
    const host = this.hosts.get(peer)
    if (host === undefined) return
    if (host.isCountedWhole || this.#unproven.has(host)) {
      this.left(peer)
      this.joined(peer, host.facts, now)
    } else if (host.counted.delete(piece)) {
      if (host.shown.has(piece)) host.arrived--
      host.isSeed = false
      this.#uncount(host, piece)
    }
  }

  asked(peer: P, piece: PieceIndex, now: Millis): void {
    const host = this.hosts.get(peer)
    if (host === undefined) return
    const shownAt = host.pending.get(piece)?.shownAt
    if (shownAt !== undefined && shownAt > host.askedAt) this.roundTrip.add(now - shownAt, now)
    host.asked(now)
    if (!this.ledger.isOut(piece)) this.#give(host, piece)
  }

  sent(peer: P, piece: PieceIndex, bytes: number, now: Millis): void {
    this.hosts.get(peer)?.sent(piece, bytes, now)
  }

  show(host: Host<P>, piece: PieceIndex, now: Millis): void {
    host.show(piece, this.layout.pieceBytes(piece), now)
    if (!this.ledger.isOut(piece)) this.#give(host, piece)
  }

  /** `host` is not thought to bring the piece to others any more. */
  release(host: Host<P>, piece: PieceIndex): void {
    if (!host.held.delete(piece)) return
    host.site.unspread--
    this.ledger.free(piece)
  }

  #give(host: Host<P>, piece: PieceIndex): void {
    this.ledger.give(piece, host)
    host.held.add(piece)
    host.site.given++
    host.site.unspread++
  }

  #seen(host: Host<P>, piece: PieceIndex, now: Millis): void {
    if (host.counted.has(piece)) return
    host.counted.add(piece)
    const took = host.settle(piece, now)
    if (took !== undefined) this.arrivals.add(took)
    if (host.shown.has(piece)) host.arrived++
    else host.isHelped = false // somebody else serves it
    host.newAt = now
    host.isSlack = false
    if (host.site.copiesOf(piece) === 0) host.site.intake.add(this.layout.pieceBytes(piece), now)
    host.site.count(piece, 1)
    const giver = this.ledger.seen(piece, host)
    if (giver?.held.delete(piece) === true) giver.site.unspread--
    if (host.peer.has.isFull) host.isSeed = true
  }

  #uncount(host: Host<P>, piece: PieceIndex): void {
    host.site.count(piece, -1)
    this.ledger.lost(piece)
  }
}
