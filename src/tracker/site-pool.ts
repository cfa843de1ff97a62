/**
 * Things at sites, from which some can be drawn by chance without looking at the others. Each site's stand in an
 * array; what a draw looks at is swapped to the front, what leaves has the last put in its place.
 */
import type { Random } from '../core/random.ts'

export interface Placed {
  readonly site: string
  /** Where it stands in its site's array; the pool's to change. -1 when it is in none. */
  slot: number
}

/** Looked at beyond those taken: some may be unwanted, but a draw never walks through a whole swarm. */
const LOOKS_SPARE = 16

export class SitePool<T extends Placed> {
  readonly #random: Random
  readonly #bySite = new Map<string, T[]>()
  /** Keys of the map above, to draw sites from. */
  readonly #sites: string[] = []
  #size = 0

  constructor(parts: { readonly random: Random }) {
    this.#random = parts.random
  }

  get size(): number {
    return this.#size
  }

  /** Its site must not change while it is in. */
  add(item: T): void {
    let shelf = this.#bySite.get(item.site)
    if (shelf === undefined) {
      shelf = []
      this.#bySite.set(item.site, shelf)
      this.#sites.push(item.site)
    }
    item.slot = shelf.length
    shelf.push(item)
    this.#size++
  }

  /** Removing what is not in changes nothing. */
  delete(item: T): void {
    const shelf = this.#bySite.get(item.site)
    if (shelf?.[item.slot] !== item) return
    const last = shelf.pop()
    if (last !== undefined && last !== item) put(shelf, last, item.slot)
    item.slot = -1
    this.#size--
    if (shelf.length > 0) return
    this.#bySite.delete(item.site)
    this.#sites.splice(this.#sites.indexOf(item.site), 1)
  }

  /** Up to `max` of one site, in random order. */
  drawAt(site: string, max: number, isWanted: (item: T) => boolean): T[] {
    const shelf = this.#bySite.get(site) ?? []
    const taken: T[] = []
    const looks = Math.min(shelf.length, max + LOOKS_SPARE)
    for (let i = 0; i < looks && taken.length < max; i++) {
      const j = i + Math.floor(this.#random() * (shelf.length - i))
      const front = shelf[i]
      const item = shelf[j]
      if (front === undefined || item === undefined) break
      put(shelf, front, j)
      put(shelf, item, i)
      if (isWanted(item)) taken.push(item)
    }
    return taken
  }

  /** Up to `max` of other sites than this: one of each of some sites in turn, then a second, and so on. */
  drawAround(site: string, max: number, isWanted: (item: T) => boolean): T[] {
    const sites = this.#someSites(site, max)
    if (sites.length === 0) return []
    const rounds = Math.ceil(max / sites.length)
    const drawn = sites.map((other) => this.drawAt(other, rounds, isWanted))
    const inTurn = Array.from({ length: rounds }, (_, round) => drawn.flatMap((items) => items[round] ?? []))
    return inTurn.flat().slice(0, max)
  }

  #someSites(not: string, max: number): string[] {
    const sites = this.#sites
    const chosen: string[] = []
    for (let i = 0; i < sites.length && chosen.length < max; i++) {
      const j = i + Math.floor(this.#random() * (sites.length - i))
      const front = sites[i]
      const site = sites[j]
      if (front === undefined || site === undefined) break
      sites[i] = site
      sites[j] = front
      if (site !== not) chosen.push(site)
    }
    return chosen
  }
}

function put<T extends Placed>(shelf: T[], item: T, at: number): void {
  shelf[at] = item
  item.slot = at
}
