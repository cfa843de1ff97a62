/** Which record stands for (swarm, address, port): a hash table of slots with linear probing. */
import type { Random } from '../core/random.ts'
import type { EndpointWords, PeerTable, Slot } from './peer-table.ts'

/** Beyond this share of places in use runs become long. */
const LOAD_MAX = 0.75

/** An entry is a slot and one more; 0 is an empty place. */
export class EndpointIndex {
  readonly #table: PeerTable
  readonly #entries: Uint32Array
  readonly #mask: number
  /** So that nobody can choose addresses that fall together. */
  readonly #seed: number

  constructor(table: PeerTable, random: Random) {
    this.#table = table
    const places = 2 ** Math.ceil(Math.log2(Math.max(16, table.capacity / LOAD_MAX)))
    this.#entries = new Uint32Array(places)
    this.#mask = places - 1
    this.#seed = Math.floor(random() * 2 ** 32)
  }

  find(swarm: number, at: EndpointWords): Slot | undefined {
    for (let i = this.#home(swarm, at); ; i = (i + 1) & this.#mask) {
      const entry = this.#entries[i] ?? 0
      if (entry === 0) return undefined
      if (this.#table.swarm[entry - 1] === swarm && this.#table.isAt(entry - 1, at)) return entry - 1
    }
  }

  /** It must not be there, and its record must be written. */
  add(slot: Slot): void {
    let i = this.#home(this.#table.swarm[slot] ?? 0, this.#table.endpointOf(slot))
    while (this.#entries[i] !== 0) i = (i + 1) & this.#mask
    this.#entries[i] = slot + 1
  }

  /** Before its record is freed. Entries behind it move up, so that no place needs a mark of what was there. */
  delete(slot: Slot): void {
    const mask = this.#mask
    let hole = this.#home(this.#table.swarm[slot] ?? 0, this.#table.endpointOf(slot))
    while (this.#entries[hole] !== slot + 1) hole = (hole + 1) & mask
    for (let i = (hole + 1) & mask; ; i = (i + 1) & mask) {
      const entry = this.#entries[i] ?? 0
      if (entry === 0) break
      const home = this.#home(this.#table.swarm[entry - 1] ?? 0, this.#table.endpointOf(entry - 1))
      if (((i - home) & mask) < ((i - hole) & mask)) continue
      this.#entries[hole] = entry
      hole = i
    }
    this.#entries[hole] = 0
  }

  #home(swarm: number, { words, isV6, port }: EndpointWords): number {
    let h = mixed(this.#seed ^ swarm)
    for (let i = isV6 ? 0 : 3; i < 4; i++) h = mixed(h ^ (words[i] ?? 0))
    return mixed(h ^ port) & this.#mask
  }
}

/** The finalizer of MurmurHash3 (A. Appleby, public domain): every bit of `h` changes half of the others. */
function mixed(h: number): number {
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return h ^ (h >>> 16)
}
