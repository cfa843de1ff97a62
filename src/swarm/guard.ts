/**
 * Who may have a release that is for our clients only, as the engine asks it. The portal's word decides; whoever
 * starts the engine brings it along (`portal-client`'s DeviceGuard).
 */
import type { DeviceId, InfoHash } from '../core/ids.ts'
import type { EpochMillis } from '../core/units.ts'
import type { CertifiedDevice, DeviceIdentity } from '../wire/certified-device.ts'
import type { PermitClaims } from '../wire/permit.ts'

/** What a peer has shown: good until then, unless it is taken back before. */
export interface PeerPass {
  readonly device: DeviceId
  readonly infoHash: InfoHash
  readonly until: EpochMillis
  /** Absent for an origin, whose certificate is enough. */
  readonly permit?: { readonly kid: string; readonly claims: PermitClaims }
}

export interface PeerGuard {
  /** Our own, as it is now: a certificate is renewed while we run. */
  readonly identity: DeviceIdentity
  /** Undefined when this device may not have it. Never rejects for what a peer sent. */
  admit(peer: CertifiedDevice, infoHash: InfoHash, permit: string): Promise<PeerPass | undefined>
  /** False once it is over or was taken back. Cheap: asked of every peer every second. */
  holds(pass: PeerPass): boolean
}
