/** Addresses that sent bytes which were not what they should be. Bounded; strikes are forgotten oldest first. */
import type { IpAddress } from '../core/address.ts'
import { limits } from '../wire/limits.ts'

const ADDRESSES_MAX = 10_000

export class Bans {
  readonly #strikes = new Map<IpAddress, number>()

  has(address: IpAddress): boolean {
    return (this.#strikes.get(address) ?? 0) >= limits.hashStrikesMax
  }

  /** True when this strike is the one that bans. */
  strike(address: IpAddress): boolean {
    const strikes = (this.#strikes.get(address) ?? 0) + 1
    this.#strikes.delete(address)
    this.#strikes.set(address, strikes)
    for (const oldest of this.#strikes.keys()) {
      if (this.#strikes.size <= ADDRESSES_MAX) break
      this.#strikes.delete(oldest)
    }
    return strikes === limits.hashStrikesMax
  }
}
