/** What the control feed tells, as trackers, seeders and clients ask for it. */
import type { Endpoint } from '../core/address.ts'
import type { DeviceId, GrantId, InfoHash, PeerId } from '../core/ids.ts'
import type { ControlEvent } from '../wire/control.ts'
import type { GrantClaims } from '../wire/grant.ts'
import type { PublicKey } from '../wire/keys.ts'

/** An origin or mirror, where peers dial it. */
export interface ServingPeer extends Endpoint {
  readonly peerId: PeerId
  readonly role: 'origin' | 'mirror'
}

export type ControlListener = (events: readonly ControlEvent[]) => void

/**
 * What holds at a portal now, as far as its feed was heard. Answers are from memory and never wait.
 *
 * - Before the first answer nothing is known: no key, so no grant verifies. `isReady` tells.
 * - When the feed is cut off, what was last heard goes on holding.
 */
export interface ControlView {
  /** True once an answer of the portal was applied. */
  readonly isReady: boolean
  /** Rises when all are to announce again, spread over 45 s; 0 before the portal named one. */
  readonly epoch: number
  /** By how much this machine's clock is ahead of the portal's; 0 while they agree within the leeway of clocks. */
  readonly clockAheadMs: number
  /** The keys whose grants are good, by `kid`. */
  grantKeys(): ReadonlyMap<string, PublicKey>
  /** Why a grant that verified is refused all the same, as a sentence fit to show; undefined when it is good. */
  refusalOf(claims: GrantClaims, kid: string): string | undefined
  /** From how many distinct addresses the grant may announce. */
  peersMaxOf(id: GrantId): number
  /** Who keeps the release, origins first. Empty for a recalled one, and where the token may not know. */
  originsOf(infoHash: InfoHash): readonly ServingPeer[]
  isRecalled(infoHash: InfoHash): boolean
  isDeviceRevoked(device: DeviceId): boolean
  /** Releases that wait for an origin to fetch them in full. */
  wanted(): readonly InfoHash[]
  /**
   * Calls `listener` after each answer that brought something, with its events; after a snapshot with all
   * that holds. Returns what ends it.
   */
  onChange(listener: ControlListener): () => void
}
