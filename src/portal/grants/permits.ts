/**
 * Permits (`wire/permit.ts`): signed by the grant key of the moment, each for one live grant and one device of its
 * holder. That the account may have the release was decided before. Nothing is stored of a permit itself: what ends
 * its grant or its device ends it.
 */
import { ShoalError } from '../../core/errors.ts'
import type { DeviceId } from '../../core/ids.ts'
import { epochMillis } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { PermitReply } from '../../wire/device-api.ts'
import { signPermit } from '../../wire/permit.ts'
import { isoTime } from '../catalogue/rows.ts'
import type { GrantRow } from '../database/tables.ts'
import type { KeyRing } from '../keys/key-ring.ts'

export class Permits {
  readonly #clock: Clock
  readonly #keys: KeyRing

  constructor(parts: { readonly clock: Clock; readonly keys: KeyRing }) {
    this.#clock = parts.clock
    this.#keys = parts.keys
  }

  /** @throws ShoalError `conflict` when the grant has ended. */
  async issue(grant: GrantRow, device: DeviceId): Promise<PermitReply> {
    const expiresAt = epochMillis(grant.expires_at)
    if (grant.revoked_at !== null) throw new ShoalError('conflict', 'this grant was revoked')
    if (expiresAt <= this.#clock.epoch()) throw new ShoalError('conflict', 'this grant has expired')
    const key = await this.#keys.grantUntil(expiresAt)
    const permit = await signPermit({ infoHash: grant.infohash, id: grant.id, expiresAt, device }, key)
    return { permit, expiresAt: isoTime(expiresAt) }
  }
}
