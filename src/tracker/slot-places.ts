/** The places of a hash table of records, with linear probing. An entry is a slot and one more; 0 is an empty place. */
import type { EndpointWords, Slot } from './peer-table.ts'

/** Beyond this share of places in use runs become long. */
const LOAD_MAX = 0.75

/** Where the search for a record begins. */
export type HomeOf = (slot: Slot) => number

export class SlotPlaces {
  readonly entries: Uint32Array
  readonly mask: number

  /** For so many records at most. */
  constructor(capacity: number) {
    const places = 2 ** Math.ceil(Math.log2(Math.max(16, capacity / LOAD_MAX)))
    this.entries = new Uint32Array(places)
    this.mask = places - 1
  }

  add(slot: Slot, home: number): void {
    let i = home
    while (this.entries[i] !== 0) i = (i + 1) & this.mask
    this.entries[i] = slot + 1
  }

  /** Where its entry is, which must be there. */
  placeOf(slot: Slot, home: number): number {
    let i = home
    while (this.entries[i] !== slot + 1) i = (i + 1) & this.mask
    return i
  }

  /** Empties a place. Entries behind it move up, so that no place needs a mark of what was there. */
  empty(place: number, homeOf: HomeOf): void {
    const { entries, mask } = this
    let hole = place
    for (let i = (hole + 1) & mask; ; i = (i + 1) & mask) {
      const entry = entries[i] ?? 0
      if (entry === 0) break
      if (((i - homeOf(entry - 1)) & mask) < ((i - hole) & mask)) continue
      entries[hole] = entry
      hole = i
    }
    entries[hole] = 0
  }
}

/** Of an address in a swarm. `seed`: so that nobody can choose addresses that fall together. */
export function hashOfAddress(seed: number, swarm: number, { words, isV6 }: EndpointWords): number {
  let h = mixed(seed ^ swarm)
  for (let i = isV6 ? 0 : 3; i < 4; i++) h = mixed(h ^ (words[i] ?? 0))
  return h
}

/** The finalizer of MurmurHash3 (A. Appleby, public domain): every bit of `h` changes half of the others. */
export function mixed(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
