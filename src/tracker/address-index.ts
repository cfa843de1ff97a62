/**
 * Which records a swarm has at an address, whatever their ports: a chain of them for each, since all machines behind one
 * address translation are at one address. What those who serve a release ask for, and no announce.
 */
import type { Random } from '../core/random.ts'
import type { EndpointWords, PeerTable, Slot } from './peer-table.ts'
import { hashOfAddress, SlotPlaces } from './slot-places.ts'

export class AddressIndex {
  readonly #table: PeerTable
  /** The first of each chain. */
  readonly #places: SlotPlaces
  readonly #seed: number
  /** Of those in a chain the slot and one more, 0 for none. */
  readonly #after: Uint32Array
  readonly #before: Uint32Array

  constructor(table: PeerTable, random: Random) {
    this.#table = table
    this.#places = new SlotPlaces(table.capacity)
    this.#seed = Math.floor(random() * 2 ** 32)
    this.#after = new Uint32Array(table.capacity)
    this.#before = new Uint32Array(table.capacity)
  }

  /** All that the swarm has there. */
  *at(swarm: number, at: EndpointWords): Generator<Slot> {
    const place = this.#placeOf(swarm, at)
    for (let entry = this.#places.entries[place] ?? 0; entry !== 0; entry = this.#after[entry - 1] ?? 0)
      yield entry - 1
  }

  /** It must not be there, and its record must be written. */
  add(slot: Slot): void {
    const { entries } = this.#places
    const place = this.#placeOf(this.#table.swarm[slot] ?? 0, this.#table.endpointOf(slot))
    const first = entries[place] ?? 0
    this.#after[slot] = first
    this.#before[slot] = 0
    if (first !== 0) this.#before[first - 1] = slot + 1
    entries[place] = slot + 1
  }

  /** Before its record is freed. */
  delete(slot: Slot): void {
    const before = this.#before[slot] ?? 0
    const after = this.#after[slot] ?? 0
    if (after !== 0) this.#before[after - 1] = before
    if (before !== 0) this.#after[before - 1] = after
    else this.#replaceFirst(slot, after)
  }

  #replaceFirst(slot: Slot, after: number): void {
    const place = this.#places.placeOf(slot, this.#homeOf(slot))
    if (after === 0) this.#places.empty(place, (other) => this.#homeOf(other))
    else this.#places.entries[place] = after
  }

  /** Where the chain begins, or the empty place where it would. */
  #placeOf(swarm: number, at: EndpointWords): number {
    const { entries, mask } = this.#places
    for (let i = this.#home(swarm, at); ; i = (i + 1) & mask) {
      const entry = entries[i] ?? 0
      if (entry === 0) return i
      if (this.#table.swarm[entry - 1] === swarm && this.#table.isAtAddress(entry - 1, at)) return i
    }
  }

  #homeOf(slot: Slot): number {
    return this.#home(this.#table.swarm[slot] ?? 0, this.#table.endpointOf(slot))
  }

  #home(swarm: number, at: EndpointWords): number {
    return hashOfAddress(this.#seed, swarm, at) & this.#places.mask
  }
}
