/** The peers of one swarm, a shelf for each site. */
import type { InfoHash } from '../core/ids.ts'
import type { Random } from '../core/random.ts'
import type { PeerTable, Slot } from './peer-table.ts'
import { Shelf, type ShelfWalk } from './shelf.ts'

/** Says of a slot that was come by whether it is taken. Undefined: no, and look no further. */
export type Wanted = (slot: Slot) => boolean | undefined

/** Most swarms have peers at a few sites; a map for each would be most of a swarm's memory. */
const FEW = 8

export class SwarmShelves {
  readonly infoHash: InfoHash
  downloaded = 0
  readonly #table: PeerTable
  #shelves: Shelf[] = []
  /** Where each site's shelf stands, once there are too many to look through. */
  #places: Map<number, number> | undefined
  #size = 0
  #leechers = 0

  constructor(infoHash: InfoHash, table: PeerTable) {
    this.infoHash = infoHash
    this.#table = table
  }

  get size(): number {
    return this.#size
  }

  get leechers(): number {
    return this.#leechers
  }

  /** Of one site, undefined where nobody is at it. */
  sizeAt(site: number | undefined): number {
    return site === undefined ? 0 : (this.#shelfOf(site)?.size ?? 0)
  }

  /** Those who have everything, in no promised order. */
  *seeds(): Generator<Slot> {
    for (const { slots, leechers } of this.#shelves) yield* slots.slice(leechers)
  }

  /** On the shelf of the site that its record names. */
  add(slot: Slot, random: Random): void {
    const site = this.#table.site[slot] ?? 0
    let shelf = this.#shelfOf(site)
    if (shelf === undefined) {
      shelf = new Shelf(site)
      if (this.#shelves.length < FEW) this.#shelves = this.#shelves.concat(shelf)
      else this.#shelves.push(shelf)
      this.#places?.set(site, this.#shelves.length - 1)
      if (this.#shelves.length > FEW) this.#places ??= new Map(this.#shelves.map((one, i) => [one.site, i]))
    }
    shelf.add(slot, this.#table, random)
    this.#count(slot, 1)
  }

  /** While its record still names the site and the kind with which it was added. */
  delete(slot: Slot): void {
    const shelf = this.#shelfOf(this.#table.site[slot] ?? 0)
    if (shelf === undefined) return
    shelf.delete(slot, this.#table)
    this.#count(slot, -1)
    if (shelf.size === 0) this.#dropShelf(shelf)
  }

  /** Over the peers of the site, from a place of chance on; undefined when there are none. */
  walkAt(site: number, wantsSeeds: boolean, random: Random): ShelfWalk | undefined {
    return this.#shelfOf(site)?.walk(wantsSeeds, random)
  }

  /** Up to `max` of the site. */
  pickFrom(
    site: number | undefined,
    max: number,
    wantsSeeds: boolean,
    random: Random,
    wanted: Wanted,
  ): Slot[] {
    const found: Slot[] = []
    const walk = site === undefined ? undefined : this.walkAt(site, wantsSeeds, random)
    while (walk !== undefined && found.length < max) {
      const slot = nextWanted(walk, wanted)
      if (slot === undefined) break
      found.push(slot)
    }
    return found
  }

  /** Up to `max` of all sites but one, site by site in turn, the sites in a random order. */
  pickAround(
    site: number | undefined,
    max: number,
    wantsSeeds: boolean,
    random: Random,
    wanted: Wanted,
  ): Slot[] {
    const found: Slot[] = []
    if (max <= 0) return found
    let open = this.#someShelves(site, max, random).map((shelf) => shelf.walk(wantsSeeds, random))
    while (found.length < max && open.length > 0) {
      const stillOpen: ShelfWalk[] = []
      for (const walk of open) {
        if (found.length === max) break
        const slot = nextWanted(walk, wanted)
        if (slot === undefined) continue
        found.push(slot)
        stillOpen.push(walk)
      }
      open = stillOpen
    }
    return found
  }

  /** Up to `max` shelves other than `site`'s, by chance; moves them to the front of the list. */
  #someShelves(site: number | undefined, max: number, random: Random): readonly Shelf[] {
    const chosen: Shelf[] = []
    for (let i = 0; i < this.#shelves.length && chosen.length < max; i++) {
      const j = i + Math.floor(random() * (this.#shelves.length - i))
      const shelf = this.#shelves[j]
      const front = this.#shelves[i]
      if (shelf === undefined || front === undefined) break
      this.#stand(front, j)
      this.#stand(shelf, i)
      if (shelf.site !== site) chosen.push(shelf)
    }
    return chosen
  }

  #shelfOf(site: number): Shelf | undefined {
    const place = this.#placeOf(site)
    return place === undefined ? undefined : this.#shelves[place]
  }

  #placeOf(site: number): number | undefined {
    if (this.#places !== undefined) return this.#places.get(site)
    for (let i = 0; i < this.#shelves.length; i++) if (this.#shelves[i]?.site === site) return i
    return undefined
  }

  #stand(shelf: Shelf, place: number): void {
    this.#shelves[place] = shelf
    this.#places?.set(shelf.site, place)
  }

  #dropShelf(shelf: Shelf): void {
    const place = this.#placeOf(shelf.site)
    this.#places?.delete(shelf.site)
    const last = this.#shelves.pop()
    if (last !== undefined && last !== shelf && place !== undefined) this.#stand(last, place)
  }

  #count(slot: Slot, by: 1 | -1): void {
    this.#size += by
    if (!this.#table.isSeed(slot)) this.#leechers += by
  }
}

function nextWanted(walk: ShelfWalk, wanted: Wanted): Slot | undefined {
  for (;;) {
    const slot = walk.next()
    if (slot === undefined) return undefined
    const isWanted = wanted(slot)
    if (isWanted !== false) return isWanted === true ? slot : undefined
  }
}
