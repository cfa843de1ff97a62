/**
 * Peers of one swarm by site, from which some can be drawn by chance without looking at the others: each
 * site's peers stand in an array; a draw swaps what it took to the front, a removal swaps the last into the gap.
 */
import type { Random } from '../core/random.ts'
import type { SwarmPeer } from './swarm-store.ts'

/** A peer in a pool. `slots[pool.slot]` is where it stands in its site's array; -1 when it is not in. */
export interface PoolEntry {
  peer: SwarmPeer
  /** Monotonic. */
  expiresAt: number
  readonly slots: [number, number]
}

interface SiteShelf {
  readonly site: string
  readonly entries: PoolEntry[]
  /** Where it stands among the pool's shelves. */
  index: number
  /** Entries at the front that the draw under way has looked at. Zero between draws. */
  taken: number
}

export type Wanted = (entry: PoolEntry) => 'take' | 'skip' | 'expired'

export class PeerPool {
  /** Which of an entry's two slots is ours. */
  readonly #slot: 0 | 1
  readonly #shelves: SiteShelf[] = []
  readonly #bySite = new Map<string, SiteShelf>()
  #size = 0

  constructor(slot: 0 | 1) {
    this.#slot = slot
  }

  get size(): number {
    return this.#size
  }

  /** Adds the size of each shelf to its site's count. */
  addCounts(counts: Map<string, number>): void {
    for (const { site, entries } of this.#shelves) counts.set(site, (counts.get(site) ?? 0) + entries.length)
  }

  /** The entry's site must not change while it is in. Adding it twice changes nothing. */
  add(entry: PoolEntry): void {
    if (entry.slots[this.#slot] !== -1) return
    let shelf = this.#bySite.get(entry.peer.site)
    if (shelf === undefined) {
      shelf = { site: entry.peer.site, entries: [], index: this.#shelves.length, taken: 0 }
      this.#bySite.set(shelf.site, shelf)
      this.#shelves.push(shelf)
    }
    entry.slots[this.#slot] = shelf.entries.length
    shelf.entries.push(entry)
    this.#size++
  }

  /** Removing what is not in changes nothing. */
  delete(entry: PoolEntry): void {
    const at = entry.slots[this.#slot]
    const shelf = this.#bySite.get(entry.peer.site)
    if (at === -1 || shelf === undefined) return
    const last = shelf.entries.pop()
    if (last !== undefined && last !== entry) this.#place(shelf, last, at)
    entry.slots[this.#slot] = -1
    this.#size--
    if (shelf.entries.length === 0) this.#dropShelf(shelf)
  }

  /** Up to `max` of one site. What `wanted` calls expired is passed to `drop`, which must delete it here. */
  drawFrom(
    site: string,
    max: number,
    random: Random,
    wanted: Wanted,
    drop: (e: PoolEntry) => void,
  ): SwarmPeer[] {
    const found: SwarmPeer[] = []
    const shelf = this.#bySite.get(site)
    if (shelf === undefined) return found
    while (found.length < max) {
      const peer = this.#next(shelf, random, wanted, drop)
      if (peer === undefined) break
      found.push(peer)
    }
    shelf.taken = 0
    return found
  }

  /** Up to `max` of all sites but one, site by site in turn, the sites in a random order. */
  drawAround(
    site: string,
    max: number,
    random: Random,
    wanted: Wanted,
    drop: (e: PoolEntry) => void,
  ): SwarmPeer[] {
    const found: SwarmPeer[] = []
    let open = this.#someShelves(site, max, random)
    const all = open
    while (found.length < max && open.length > 0) {
      const stillOpen: SiteShelf[] = []
      for (const shelf of open) {
        if (found.length === max) break
        const peer = this.#next(shelf, random, wanted, drop)
        if (peer === undefined) continue
        found.push(peer)
        stillOpen.push(shelf)
      }
      open = stillOpen
    }
    for (const shelf of all) shelf.taken = 0
    return found
  }

  /** Up to `max` shelves other than `site`'s, by chance; moves them to the front of the list. */
  #someShelves(site: string, max: number, random: Random): readonly SiteShelf[] {
    const chosen: SiteShelf[] = []
    for (let i = 0; i < this.#shelves.length && chosen.length < max; i++) {
      const j = i + Math.floor(random() * (this.#shelves.length - i))
      const shelf = this.#shelves[j]
      const front = this.#shelves[i]
      if (shelf === undefined || front === undefined) break
      this.#shelves[i] = shelf
      this.#shelves[j] = front
      front.index = j
      shelf.index = i
      if (shelf.site !== site) chosen.push(shelf)
    }
    return chosen
  }

  #next(
    shelf: SiteShelf,
    random: Random,
    wanted: Wanted,
    drop: (e: PoolEntry) => void,
  ): SwarmPeer | undefined {
    while (shelf.taken < shelf.entries.length) {
      const at = shelf.taken + Math.floor(random() * (shelf.entries.length - shelf.taken))
      const entry = shelf.entries[at]
      const front = shelf.entries[shelf.taken]
      if (entry === undefined || front === undefined) return undefined
      const verdict = wanted(entry)
      if (verdict === 'expired') {
        drop(entry)
        continue
      }
      this.#place(shelf, front, at)
      this.#place(shelf, entry, shelf.taken)
      shelf.taken++
      if (verdict === 'take') return entry.peer
    }
    return undefined
  }

  #place(shelf: SiteShelf, entry: PoolEntry, at: number): void {
    shelf.entries[at] = entry
    entry.slots[this.#slot] = at
  }

  #dropShelf(shelf: SiteShelf): void {
    this.#bySite.delete(shelf.site)
    const last = this.#shelves.pop()
    if (last === undefined || last === shelf) return
    this.#shelves[shelf.index] = last
    last.index = shelf.index
  }
}
