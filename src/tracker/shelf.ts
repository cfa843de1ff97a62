/**
 * The peers of one site in one swarm: an array of slots, leechers in front, seeds behind them, each of the two in an
 * order of chance: who arrives takes the place of another by chance, who leaves has the last put in its place. So a
 * draw is a walk from a place of chance on, which looks at nobody whom it does not give.
 */
import type { Random } from '../core/random.ts'
import type { PeerTable, Slot } from './peer-table.ts'

/** As long as copying costs no more than growing. */
const SMALL = 12

export class Shelf {
  /** Number of the site. */
  readonly site: number
  slots: Slot[] = []
  #leechers = 0

  constructor(site: number) {
    this.site = site
  }

  get size(): number {
    return this.slots.length
  }

  get leechers(): number {
    return this.#leechers
  }

  /** Which part it joins is the table's to say. */
  add(slot: Slot, table: PeerTable, random: Random): void {
    // An array that is pushed to makes room for seventeen: most shelves hold a handful, and there may be 250,000.
    if (this.slots.length < SMALL) this.slots = this.slots.concat(slot)
    else this.slots.push(slot)
    const end = this.slots.length
    table.place[slot] = end - 1
    if (table.isSeed(slot)) {
      this.#swap(end - 1, this.#leechers + Math.floor(random() * (end - this.#leechers)), table)
      return
    }
    this.#swap(end - 1, this.#leechers, table)
    this.#leechers++
    this.#swap(this.#leechers - 1, Math.floor(random() * this.#leechers), table)
  }

  /** It must be there, and not have changed sides since it was added. */
  delete(slot: Slot, table: PeerTable): void {
    let at = table.place[slot] ?? 0
    if (at < this.#leechers) {
      this.#leechers--
      this.#swap(at, this.#leechers, table)
      at = this.#leechers
    }
    this.#swap(at, this.slots.length - 1, table)
    this.slots.pop()
  }

  /** Over leechers only, or over all. Nothing may be added or deleted while it is under way. */
  walk(wantsSeeds: boolean, random: Random): ShelfWalk {
    return new ShelfWalk(
      this.slots,
      this.#leechers,
      wantsSeeds ? this.slots.length - this.#leechers : 0,
      random,
    )
  }

  #put(slot: Slot, at: number, table: PeerTable): void {
    this.slots[at] = slot
    table.place[slot] = at
  }

  #swap(a: number, b: number, table: PeerTable): void {
    if (a === b) return
    const slot = this.slots[a]
    const other = this.slots[b]
    if (slot === undefined || other === undefined) throw new RangeError(`no place ${a} or ${b} on this shelf`)
    this.#put(other, a, table)
    this.#put(slot, b, table)
  }
}

/**
 * Gives everybody once. However early it ends, leechers and seeds are among those given as they are on the shelf, and
 * each of them as likely as any other.
 */
export class ShelfWalk {
  readonly #slots: readonly Slot[]
  readonly #leechers: number
  readonly #seeds: number
  #leecherAt: number
  #seedAt: number
  /** The share of a seed that is due; with a whole one it is a seed's turn. */
  #due: number
  #left: number

  constructor(slots: readonly Slot[], leechers: number, seeds: number, random: Random) {
    this.#slots = slots
    this.#leechers = leechers
    this.#seeds = seeds
    this.#left = leechers + seeds
    this.#leecherAt = Math.floor(random() * leechers)
    this.#seedAt = Math.floor(random() * seeds)
    this.#due = Math.floor(random() * this.#left)
  }

  next(): Slot | undefined {
    if (this.#left === 0) return undefined
    this.#left--
    this.#due += this.#seeds
    const all = this.#leechers + this.#seeds
    if (this.#due < all) {
      const at = this.#leecherAt
      this.#leecherAt = at + 1 === this.#leechers ? 0 : at + 1
      return this.#slots[at]
    }
    this.#due -= all
    const at = this.#seedAt
    this.#seedAt = at + 1 === this.#seeds ? 0 : at + 1
    return this.#slots[this.#leechers + at]
  }
}
