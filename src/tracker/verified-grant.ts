/** A grant whose signature is good, and what may be wrong with it all the same. */
import type { InfoHash } from '../core/ids.ts'
import type { EpochMillis } from '../core/units.ts'
import type { ControlView } from '../portal-client/index.ts'
import type { GrantClaims } from '../wire/grant.ts'
import { limits } from '../wire/limits.ts'
import { refusals, type Refusal } from './refusals.ts'

export interface VerifiedGrant {
  readonly claims: GrantClaims
  readonly kid: string
  /** The public key (JWK `x`) that verified it: a key that took over its `kid` does not vouch for it. */
  readonly keyX: string
}

/** The text of the control feed for a key that it no longer lists, or lists otherwise. */
const KEY_GONE = 'the key of this grant is no longer in use'

/**
 * Why the portal takes it back, as a sentence; undefined while it holds. Asked at every use, so that a
 * verified grant can be remembered without a revocation being missed.
 */
export function withdrawalOf(grant: VerifiedGrant, control: ControlView): string | undefined {
  const said = control.refusalOf(grant.claims, grant.kid)
  if (said !== undefined) return said
  return control.grantKeys().get(grant.kid)?.x === grant.keyX ? undefined : KEY_GONE
}

export function hasExpired(grant: VerifiedGrant, now: EpochMillis): boolean {
  return now > grant.claims.expiresAt + limits.clockLeeway
}

/** Undefined when it lets its holder into the swarm of `infoHash` now. */
export function refusalOfGrant(
  grant: VerifiedGrant,
  infoHash: InfoHash,
  at: { readonly now: EpochMillis; readonly control: ControlView; readonly portalUrl: string },
): Refusal | undefined {
  if (hasExpired(grant, at.now)) return refusals.grantExpired(grant.claims.expiresAt, at.portalUrl)
  const withdrawal = withdrawalOf(grant, at.control)
  if (withdrawal !== undefined) return refusals.grantWithdrawn(withdrawal)
  if (grant.claims.infoHash !== infoHash) return refusals.otherRelease
  return undefined
}
