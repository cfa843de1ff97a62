/** Peers read from their records: in full while a record is looked at, or as much of them as an answer names. */
import { addressOfBytes, type IpAddress } from '../core/address.ts'
import type { PeerId } from '../core/ids.ts'
import type { Millis } from '../core/units.ts'
import type { Interned } from './interned.ts'
import type { PeerTable, Slot } from './peer-table.ts'
import type { DrawnPeer, SeedFacts, SwarmPeer } from './swarm-store.ts'
import type { SwarmShelves } from './swarm-shelves.ts'
import type { VerifiedGrant } from './verified-grant.ts'

export interface RecordTables {
  readonly peers: PeerTable
  readonly swarms: Interned<SwarmShelves>
  readonly sites: Interned<string>
  /** Which key vouched for the grants. */
  readonly keys: Interned<Pick<VerifiedGrant, 'kid' | 'keyX'>>
}

export function peerAt({ peers, swarms, sites, keys }: RecordTables, slot: Slot): SwarmPeer {
  const { infoHash } = swarms.at(peers.swarm[slot] ?? 0)
  const claims = { infoHash, id: peers.grantId(slot), expiresAt: peers.grantExpiresAt(slot) }
  const { kid, keyX } = keys.at(peers.key[slot] ?? 0)
  return {
    host: hostOf(peers.packed(slot)),
    port: peers.port(slot),
    peerId: peers.peerId(slot),
    site: sites.at(peers.site[slot] ?? 0),
    isSeed: peers.isSeed(slot),
    isOurs: peers.isOurs(slot),
    grant: { claims, kid, keyX },
  }
}

/** Whose seeds there are: at most `max` that live at `now`. */
export function seedsIn(
  { peers, sites }: RecordTables,
  swarm: SwarmShelves | undefined,
  { max, now }: { readonly max: number; readonly now: Millis },
): SeedFacts[] {
  const found: SeedFacts[] = []
  for (const slot of swarm?.seeds() ?? []) {
    if (found.length >= max) break
    if (!peers.isOver(slot, now))
      found.push({ grant: peers.grantId(slot), site: sites.at(peers.site[slot] ?? 0) })
  }
  return found
}

/** A copy, since an answer may be written after the store has changed; its address is spelled out when asked for. */
export class RecordDrawn implements DrawnPeer {
  readonly packed: string
  readonly site: string
  readonly isSeed: boolean
  readonly isOurs: boolean
  readonly peerId?: PeerId

  constructor({ peers, sites }: RecordTables, slot: Slot, withPeerId: boolean) {
    this.packed = peers.packed(slot)
    this.site = sites.at(peers.site[slot] ?? 0)
    this.isSeed = peers.isSeed(slot)
    this.isOurs = peers.isOurs(slot)
    if (withPeerId) this.peerId = peers.peerId(slot)
  }

  get host(): IpAddress {
    return hostOf(this.packed)
  }

  get port(): number {
    const { packed } = this
    return (packed.charCodeAt(packed.length - 2) << 8) | packed.charCodeAt(packed.length - 1)
  }
}

export function hostOf(packed: string): IpAddress {
  const bytes = Buffer.from(packed, 'latin1').subarray(0, -2)
  return bytes.length === 4 ? (bytes.join('.') as IpAddress) : addressOfBytes(bytes)
}
