/**
 * Who sent what it should not have. A peer is banned after `limits.hashStrikesMax` blocks that were proven wrong; an address, behind
 * which a whole office may sit, only when several peers there were.
 */
import type { PeerId } from '../../core/ids.ts'
import { limits } from '../../wire/limits.ts'

/** Banned peers behind one address that ban the address. */
const PEERS_OF_ADDRESS_MAX = 3
const REMEMBERED_MAX = 1_000

export class PeerBans {
  readonly #strikes = new Map<PeerId, number>()
  readonly #addresses = new Map<string, number>()

  has(peer: PeerId): boolean {
    return (this.#strikes.get(peer) ?? 0) >= limits.hashStrikesMax
  }

  hasAddress(address: string): boolean {
    return (this.#addresses.get(address) ?? 0) >= PEERS_OF_ADDRESS_MAX
  }

  /** True when this strike is the one that bans. */
  strike(peer: PeerId, addresses: readonly string[]): boolean {
    const strikes = add(this.#strikes, peer)
    if (strikes !== limits.hashStrikesMax) return false
    for (const address of addresses) add(this.#addresses, address)
    return true
  }
}

function add<K>(counts: Map<K, number>, key: K): number {
  const count = (counts.get(key) ?? 0) + 1
  counts.delete(key)
  counts.set(key, count)
  for (const oldest of counts.keys()) {
    if (counts.size <= REMEMBERED_MAX) break
    counts.delete(oldest)
  }
  return count
}
