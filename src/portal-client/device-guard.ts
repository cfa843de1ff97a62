/**
 * Who may have what between peers, by the portal's word: `swarm`'s PeerGuard. A device is known by its certificate,
 * its right by a permit, and what was taken back by the control feed; the portal itself is never asked.
 */
import type { DeviceId, InfoHash } from '../core/ids.ts'
import { addMillis, type EpochMillis, epochMillis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type { CertifiedDevice, DeviceIdentity } from '../wire/certified-device.ts'
import { limits } from '../wire/limits.ts'
import { type PermitClaims, verifyPermit } from '../wire/permit.ts'
import type { ControlView } from './control-view.ts'

export interface DeviceGuardParts {
  readonly clock: Clock
  readonly control: Pick<ControlView, 'grantKeys' | 'refusalOf' | 'isDeviceRevoked' | 'isRecalled'>
  /** That of the moment. */
  readonly identity: () => DeviceIdentity
}

/** `swarm`'s PeerPass. */
export interface DevicePass {
  readonly device: DeviceId
  readonly infoHash: InfoHash
  readonly until: EpochMillis
  readonly permit?: { readonly kid: string; readonly claims: PermitClaims }
}

export class DeviceGuard {
  readonly #parts: DeviceGuardParts

  constructor(parts: DeviceGuardParts) {
    this.#parts = parts
  }

  get identity(): DeviceIdentity {
    return this.#parts.identity()
  }

  async admit(peer: CertifiedDevice, infoHash: InfoHash, permit: string): Promise<DevicePass | undefined> {
    const pass = await this.#passOf(peer, infoHash, permit)
    return pass !== undefined && this.holds(pass) ? pass : undefined
  }

  holds({ device, infoHash, until, permit }: DevicePass): boolean {
    const { clock, control } = this.#parts
    if (clock.epoch() > addMillis(until, limits.clockLeeway)) return false
    if (control.isDeviceRevoked(device) || control.isRecalled(infoHash)) return false
    return permit === undefined || control.refusalOf(permit.claims, permit.kid) === undefined
  }

  async #passOf(peer: CertifiedDevice, infoHash: InfoHash, text: string): Promise<DevicePass | undefined> {
    const { device, isOrigin, certifiedUntil } = peer
    if (isOrigin) return { device, infoHash, until: certifiedUntil }
    const { clock, control } = this.#parts
    try {
      const permit = await verifyPermit(text, control.grantKeys(), clock.epoch())
      const { claims } = permit
      if (claims.device !== device || claims.infoHash !== infoHash) return undefined
      const until = epochMillis(Math.min(claims.expiresAt, certifiedUntil))
      return { device, infoHash, until, permit }
    } catch {
      return undefined // whatever is wrong with it: it is not let in
    }
  }
}
