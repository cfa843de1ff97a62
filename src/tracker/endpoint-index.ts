/** Which record stands for (swarm, address, port): a hash table of slots. */
import type { Random } from '../core/random.ts'
import type { EndpointWords, PeerTable, Slot } from './peer-table.ts'
import { hashOfAddress, mixed, SlotPlaces } from './slot-places.ts'

export class EndpointIndex {
  readonly #table: PeerTable
  readonly #places: SlotPlaces
  readonly #seed: number

  constructor(table: PeerTable, random: Random) {
    this.#table = table
    this.#places = new SlotPlaces(table.capacity)
    this.#seed = Math.floor(random() * 2 ** 32)
  }

  find(swarm: number, at: EndpointWords): Slot | undefined {
    const { entries, mask } = this.#places
    for (let i = this.#home(swarm, at); ; i = (i + 1) & mask) {
      const entry = entries[i] ?? 0
      if (entry === 0) return undefined
      if (this.#table.swarm[entry - 1] === swarm && this.#table.isAt(entry - 1, at)) return entry - 1
    }
  }

  /** It must not be there, and its record must be written. */
  add(slot: Slot): void {
    this.#places.add(slot, this.#homeOf(slot))
  }

  /** Before its record is freed. */
  delete(slot: Slot): void {
    const homeOf = (other: Slot): number => this.#homeOf(other)
    this.#places.empty(this.#places.placeOf(slot, homeOf(slot)), homeOf)
  }

  #homeOf(slot: Slot): number {
    return this.#home(this.#table.swarm[slot] ?? 0, this.#table.endpointOf(slot))
  }

  #home(swarm: number, at: EndpointWords): number {
    return mixed(hashOfAddress(this.#seed, swarm, at) ^ at.port) & this.#places.mask
  }
}
