/** Addresses that sent bytes which were not what they should be. */
import type { IpAddress } from '../core/address.ts'
import { RecentCounts } from '../core/recent-counts.ts'
import { limits } from '../wire/limits.ts'

const ADDRESSES_MAX = 10_000

export class Bans {
  readonly #strikes = new RecentCounts<IpAddress>(ADDRESSES_MAX)

  has(address: IpAddress): boolean {
    return this.#strikes.of(address) >= limits.hashStrikesMax
  }

  /** True when this strike is the one that bans. */
  strike(address: IpAddress): boolean {
    return this.#strikes.add(address) === limits.hashStrikesMax
  }
}
