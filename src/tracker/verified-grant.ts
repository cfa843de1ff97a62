/** A grant whose signature is good, and what may be wrong with it all the same. */
import type { InfoHash } from '../core/ids.ts'
import type { EpochMillis } from '../core/units.ts'
import type { ControlView } from '../portal-client/index.ts'
import type { GrantClaims } from '../wire/grant.ts'
import { SERVING_INFO_HASH } from '../wire/lease.ts'
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

/** `ask-leases`: about peers of a swarm, which a serving grant lets its holder do for every one. */
export type GrantPurpose = 'join' | 'ask-leases'

/** Undefined when it lets its holder into the swarm of `infoHash` now, or ask about it. */
export function refusalOfGrant(
  grant: VerifiedGrant,
  { infoHash, purpose }: { readonly infoHash: InfoHash; readonly purpose: GrantPurpose },
  at: { readonly now: EpochMillis; readonly control: ControlView; readonly portalUrl: string },
): Refusal | undefined {
  if (hasExpired(grant, at.now))
    return refusals.grantExpired(grant.claims.expiresAt, at.portalUrl, at.control.clockAheadMs)
  const withdrawal = withdrawalOf(grant, at.control)
  if (withdrawal !== undefined) return refusals.grantWithdrawn(withdrawal)
  const isServing = grant.claims.infoHash === SERVING_INFO_HASH
  if (isServing && purpose === 'ask-leases') return undefined
  return isServing || grant.claims.infoHash !== infoHash ? refusals.otherRelease : undefined
}
