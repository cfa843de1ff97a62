/**
 * The bridges of one swarm, and which of them joins which two sites. Clients that obey nothing but their peer list
 * ask for the same piece over each connection to another site before any of them can pass it on, so what
 * crosses the WAN in vain grows with the connections between two sites: each pair of sites gets one.
 *
 * - A site has two bridges, the first that announced; seeds too: for its site a seed needs nothing from outside, but
 *   others need it, and a leecher that completes stays the bridge that others know.
 * - A bridge keeps its seat until it leaves, is dead, or is overdue when another machine of its site announces. A link
 *   stays with the two bridges that hold it until one of them goes; then whoever announces next, at either end, is
 *   given the other end.
 * - Our own clients divide what their site lacks among themselves, and a stock client beside them would bring it in once more:
 *   as long as a site has one of ours, nobody of it is told of links. Who holds them is not changed by that. It is not so for
 *   whoever is told of no origin or mirror: ours may be stuck, and then there would be no way out.
 * - All links of a site are to end at one of its bridges: two that hold links to different sites both ask outside for a
 *   piece before either can pass it on. The other bridge is the stand-in: the links become its own when the first goes,
 *   and those that the first could not be told of.
 * - Up to {@link SLOTS_MAX} sites have a slot and are joined each to each. Further ones are joined to some of these:
 *   so the swarm stays in one piece, and no list grows with the number of sites. Only they know of these links, which
 *   may move once, when the other site gets its second bridge.
 */
import type { Endpoint } from '../core/address.ts'
import { oursOf, sitAsOurs } from './own-seat.ts'
import {
  isOthers,
  linkCount,
  NO_SLOT,
  otherOf,
  SEATS,
  Seat,
  SiteSeats,
  type SeatIndex,
  unheard,
} from './site-seats.ts'
import type { DrawnPeer } from './swarm-store.ts'

/** A bit each of a small integer. */
export const SLOTS_MAX = 31
/** Sites with a slot to which one without is joined: one may go, and two more. */
export const SLOTLESS_LINKS = 4

/** What the swarm's memory says of its peers now. */
export interface PeerLookUp {
  /** Monotonic. */
  readonly nowS: number
  isLive(peer: Endpoint): boolean
  /** The live peer at this endpoint. */
  find(peer: Endpoint): DrawnPeer | undefined
  /** Any live peer of the site. */
  anyOf(site: string): DrawnPeer | undefined
}

export interface LinksWanted {
  readonly max: number
  readonly reaches: (peer: Endpoint) => boolean
  /** The bridge is told of an origin or mirror. */
  readonly isServed: boolean
}

/** Who announces. */
export interface Sitter {
  readonly peer: Endpoint
  readonly site: string
  readonly isOpen: boolean
  readonly isOurs: boolean
  /** When it should announce again. */
  readonly dueAtS: number
}

export class SwarmBridges {
  /** Another swarm joins the same two sites by others. */
  readonly #seed: number
  #slots: (SiteSeats | undefined)[] = []
  /** Closed sites, and those beyond the slots. Made when there is one. */
  #slotless: Map<string, SiteSeats> | undefined

  constructor(name: string) {
    this.#seed = hashOf(0, name)
  }

  get isEmpty(): boolean {
    return this.#slots.every((site) => site === undefined) && (this.#slotless?.size ?? 0) === 0
  }

  site(name: string): SiteSeats | undefined {
    for (const site of this.#slots) if (site?.site === name) return site
    return this.#slotless?.get(name)
  }

  /** Gives the announcing peer a seat of its site: its own, a vacant one, or that of one who is overdue. */
  sit(sitter: Sitter, peers: PeerLookUp): void {
    const site = this.site(sitter.site) ?? new SiteSeats(sitter.site, sitter.isOpen, peers.nowS)
    this.#clean(site, peers)
    if (sitter.isOurs) sitAsOurs(site, sitter, peers)
    const own = site.indexOf(sitter.peer)
    const seat = own === undefined ? undefined : site.at(own)
    if (seat !== undefined) seat.dueAtS = sitter.dueAtS
    else {
      const free =
        SEATS.find((i) => site.at(i) === undefined) ??
        SEATS.find((i) => (site.at(i)?.dueAtS ?? 0) < peers.nowS)
      if (free === undefined) return
      this.#vacate(site, free)
      site.set(free, new Seat(sitter.peer, sitter.dueAtS))
    }
    this.#place(site)
  }

  /** Makes a peer that has not announced of late the bridge of a site of which nobody is known. */
  adopt(peer: DrawnPeer, nowS: number): void {
    if (this.site(peer.site) !== undefined) return
    const site = new SiteSeats(peer.site, true, nowS)
    site.set(0, unheard(peer, nowS))
    this.#place(site)
  }

  /** Open sites other than this, as far as they have a slot. */
  otherSiteCount(name: string): number {
    let count = 0
    for (const site of this.#slots) if (site !== undefined && site.site !== name) count++
    return count
  }

  leave(name: string, peer: Endpoint): void {
    const site = this.site(name)
    const index = site?.indexOf(peer)
    if (site === undefined || index === undefined) return
    this.#vacate(site, index)
    if (site.isEmpty) this.#remove(site)
  }

  /**
   * The other ends of the links that this bridge holds, new ones first: what nobody of its site holds becomes its own.
   * At most `max`, since a link counts as made when one of its ends is told of the other.
   */
  linksOf(
    bridge: { readonly site: SiteSeats; readonly index: SeatIndex },
    { max, reaches, isServed }: LinksWanted,
    peers: PeerLookUp,
  ): DrawnPeer[] {
    const { site, index } = bridge
    if (isServed && oursOf(site, peers) !== undefined) return []
    const mayMake = !isOthers(site, index, peers.nowS)
    const made: DrawnPeer[] = []
    const kept: DrawnPeer[] = []
    let tookAll = true
    for (const slot of this.#slotsFor(site)) {
      const other = this.#slots[slot]
      const holder = site.holderOf(slot)
      if (other === undefined || other === site || holder === otherOf(index)) continue
      if (holder === undefined && made.length >= max) tookAll = false
      if (holder === undefined && (!mayMake || made.length >= max)) continue
      const end = this.#endOf(site, other, peers)
      if (end === undefined) continue
      if (!reaches(end)) {
        tookAll = false
        continue
      }
      // It may have been ours until its other end was found dead just now.
      if (site.holderOf(slot) === index) kept.push(end)
      else if (made.length < max) {
        this.#join(site, index, other, end)
        made.push(end)
      }
    }
    const own = site.at(index)
    if (own !== undefined) own.tookAll = tookAll
    return [...made, ...kept].slice(0, max)
  }

  /** A live bridge of each of up to `max` open sites other than this. */
  ofOtherSites(name: string, max: number, peers: PeerLookUp): DrawnPeer[] {
    const found: DrawnPeer[] = []
    for (const site of this.#slots) {
      if (found.length >= max) break
      const peer = site === undefined || site.site === name ? undefined : this.#bridgeOf(site, 0, peers)
      if (peer !== undefined) found.push(peer)
    }
    return found
  }

  /** One of ours of each open site other than this that has one. */
  oursOfOtherSites(name: string, peers: PeerLookUp): DrawnPeer[] {
    return this.#slots.flatMap((site) =>
      site === undefined || site.site === name ? [] : (oursOf(site, peers) ?? []),
    )
  }

  /** Frees the seats of those who are overdue and dead. */
  prune(peers: PeerLookUp): void {
    for (const site of [...this.#slots, ...(this.#slotless?.values() ?? [])]) {
      if (site === undefined || SEATS.every((i) => (site.at(i)?.dueAtS ?? Infinity) >= peers.nowS)) continue
      this.#clean(site, peers)
      if (site.isEmpty) this.#remove(site)
    }
  }

  /** All that have a slot; for a site without one a few of these, beginning anywhere. */
  #slotsFor(site: SiteSeats): Iterable<number> {
    if (site.slot !== NO_SLOT) return this.#slots.keys()
    const count = this.#slots.length
    const first = hashOf(this.#seed, site.site)
    return Array.from({ length: count }, (_, i) => (first + i) % count)
      .filter((slot) => this.#slots[slot] !== undefined)
      .slice(0, SLOTLESS_LINKS)
  }

  /** Where `site`'s link to `other` ends, or is to end. */
  #endOf(site: SiteSeats, other: SiteSeats, peers: PeerLookUp): DrawnPeer | undefined {
    const held = site.slot === NO_SLOT ? undefined : other.holderOf(site.slot)
    const seat = held === undefined ? undefined : other.at(held)
    return (seat && peers.find(seat)) ?? this.#bridgeOf(other, this.#betterSeat(site, other), peers)
  }

  /** In this seat or the other; where both are dead or vacant, another machine of the site takes one. */
  #bridgeOf(site: SiteSeats, preferred: SeatIndex, peers: PeerLookUp): DrawnPeer | undefined {
    this.#clean(site, peers)
    const seat = site.at(preferred) ?? site.at(otherOf(preferred))
    if (seat !== undefined) return peers.find(seat)
    const some = peers.anyOf(site.site)
    if (some === undefined) this.#remove(site)
    else site.set(0, unheard(some, peers.nowS))
    return some
  }

  /**
   * Who holds most links already, where both hold as many by hash of the pair. A site without a slot, of whose links
   * others do not know, goes by hash alone: what others do would move its link.
   */
  #betterSeat(site: SiteSeats, other: SiteSeats): SeatIndex {
    const more = site.slot === NO_SLOT ? 0 : linkCount(other.at(0)) - linkCount(other.at(1))
    if (more !== 0) return more > 0 ? 0 : 1
    return (hashOf(hashOf(this.#seed, other.site), site.site) & 1) === 0 ? 0 : 1
  }

  #join(site: SiteSeats, index: SeatIndex, other: SiteSeats, end: Endpoint): void {
    const otherIndex = other.indexOf(end)
    const [seat, otherSeat] = [site.at(index), otherIndex === undefined ? undefined : other.at(otherIndex)]
    if (seat !== undefined) seat.links |= 1 << other.slot
    if (otherSeat !== undefined && site.slot !== NO_SLOT) otherSeat.links |= 1 << site.slot
  }

  /** Vacates the seats of those who are in the swarm no more. */
  #clean(site: SiteSeats, peers: PeerLookUp): void {
    for (const i of SEATS) {
      const seat = site.at(i)
      if (seat !== undefined && !peers.isLive(seat)) this.#vacate(site, i)
    }
  }

  /** Its links are nobody's again. */
  #vacate(site: SiteSeats, index: SeatIndex): void {
    const links = site.at(index)?.links ?? 0
    site.set(index, undefined)
    if (links === 0 || site.slot === NO_SLOT) return
    this.#slots.forEach((other, slot) => {
      if ((links & (1 << slot)) !== 0) other?.unlink(site.slot)
    })
  }

  #remove(site: SiteSeats): void {
    if (site.slot !== NO_SLOT) this.#slots[site.slot] = undefined
    this.#slotless?.delete(site.site)
    site.slot = NO_SLOT
  }

  /** In a slot if it is open and one is free. */
  #place(site: SiteSeats): void {
    if (site.slot !== NO_SLOT) return
    const hole = this.#slots.indexOf(undefined)
    const slot = hole === -1 ? this.#slots.length : hole
    if (!site.isOpen || slot >= SLOTS_MAX) {
      this.#slotless ??= new Map()
      this.#slotless.set(site.site, site)
      return
    }
    this.#slotless?.delete(site.site)
    for (const index of SEATS) this.#tellEnds(site, index, slot)
    // An array that is pushed to makes room for seventeen, and most swarms have a few sites.
    if (slot === this.#slots.length) this.#slots = this.#slots.concat(site)
    else this.#slots[slot] = site
    site.slot = slot
  }

  /** What a site without a slot is joined to is known to it alone; with one, the other ends are to know it too. */
  #tellEnds(site: SiteSeats, index: SeatIndex, slot: number): void {
    const links = site.at(index)?.links ?? 0
    for (const other of this.#slots) {
      if (other === undefined || (links & (1 << other.slot)) === 0) continue
      const end = other.at(this.#betterSeat(site, other))
      if (end !== undefined) end.links |= 1 << slot
    }
  }
}

/** FNV-1a: spreads names evenly; nothing secret rests on it. */
function hashOf(seed: number, text: string): number {
  let hash = (seed ^ 0x811c9dc5) >>> 0
  for (let i = 0; i < text.length; i++) hash = Math.imul(hash ^ text.charCodeAt(i), 0x01000193) >>> 0
  return (hash ^ (hash >>> 15)) >>> 0
}
