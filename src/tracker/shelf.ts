/**
 * The peers of one site in one swarm: an array of slots, leechers in front, seeds behind them. Whoever takes some
 * by chance looks at no others: each pick swaps one to the front, and all swaps are undone at the end.
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
  add(slot: Slot, table: PeerTable): void {
    // An array that is pushed to makes room for seventeen: most shelves hold a handful, and there may be 250,000.
    if (this.slots.length < SMALL) this.slots = this.slots.concat(slot)
    else this.slots.push(slot)
    table.place[slot] = this.slots.length - 1
    if (table.isSeed(slot)) return
    this.#swap(this.slots.length - 1, this.#leechers, table)
    this.#leechers++
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

  /** Picks from leechers only, or from all. Ended by `undo`; nothing may be added or deleted before. */
  picker(wantsSeeds: boolean): Picker {
    return new Picker(this.slots, wantsSeeds ? this.slots.length : this.#leechers)
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

/** A shuffle of Fisher and Yates that stops when enough was picked. */
export class Picker {
  readonly #slots: Slot[]
  readonly #end: number
  readonly #swapped: number[] = []

  constructor(slots: Slot[], end: number) {
    this.#slots = slots
    this.#end = end
  }

  next(random: Random): Slot | undefined {
    const at = this.#swapped.length
    if (at >= this.#end) return undefined
    const other = at + Math.floor(random() * (this.#end - at))
    this.#swapped.push(other)
    return this.#exchange(at, other)
  }

  undo(): void {
    for (let at = this.#swapped.length - 1; at >= 0; at--) this.#exchange(at, this.#swapped[at] ?? at)
    this.#swapped.length = 0
  }

  #exchange(a: number, b: number): Slot | undefined {
    const slot = this.#slots[b]
    if (slot !== undefined) this.#slots[b] = this.#slots[a] ?? slot
    if (slot !== undefined) this.#slots[a] = slot
    return slot
  }
}
