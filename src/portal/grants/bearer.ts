/** Whoever shows a grant itself, and no account: for a .torrent, or for the web seed. */
import { ShoalError } from '../../core/errors.ts'
import { epochMillis } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import { verifyGrant } from '../../wire/grant.ts'
import { limits } from '../../wire/limits.ts'
import type { Catalogue, StoredRelease } from '../catalogue/catalogue.ts'
import { forOursOnly } from '../catalogue/rows.ts'
import type { GrantRow } from '../database/tables.ts'
import type { KeyRing } from '../keys/key-ring.ts'
import type { GrantReader } from './grant-reader.ts'
import type { RefusedBefore } from './refused-before.ts'

export interface BearerParts {
  readonly clock: Clock
  readonly catalogue: Pick<Catalogue, 'releaseOf'>
  readonly grants: Pick<GrantReader, 'find'>
  readonly keys: Pick<KeyRing, 'grantKeys'>
  readonly refused: Pick<RefusedBefore, 'refusalOf'>
}

export interface Borne {
  readonly grant: GrantRow
  readonly release: StoredRelease
}

/**
 * What the grant opens at this moment.
 * @throws ShoalError `not-granted` when it is not ours, expired, revoked or of a recalled release: one constant text
 *   until its signature has verified, the reason after; `conflict` where no grant alone opens anything.
 */
export async function openBorne(parts: BearerParts, token: string): Promise<Borne> {
  const claims = await verifyGrant(token, parts.keys.grantKeys, parts.clock.epoch())
  const grant = await parts.grants.find(claims.id)
  const release = await parts.catalogue.releaseOf(claims.infoHash)
  if (grant === undefined || release === undefined) throw new ShoalError('not-granted', 'grant refused')
  const refusal = refusalOf(parts, { grant, release })
  if (refusal !== undefined) throw new ShoalError('not-granted', refusal)
  if (release.admit === 'ours') throw new ShoalError('conflict', forOursOnly(release))
  return { grant, release }
}

/**
 * The grant of one who reports what became of it: for an hour after its end or its revocation, too.
 * @throws ShoalError `not-granted` as {@link openBorne} does.
 */
export async function openReporting(parts: BearerParts, token: string): Promise<Borne> {
  const { clock, grants, catalogue, keys, refused } = parts
  const lately = epochMillis(clock.epoch() - limits.transferGrace)
  const claims = await verifyGrant(token, keys.grantKeys, lately)
  const grant = await grants.find(claims.id)
  const release = await catalogue.releaseOf(claims.infoHash)
  if (grant === undefined || release === undefined) throw new ShoalError('not-granted', 'grant refused')
  if (grant.revoked_at !== null && grant.revoked_at < lately)
    throw new ShoalError('not-granted', 'this grant was revoked')
  const refusal = refused.refusalOf(grant)
  if (refusal !== undefined) throw new ShoalError('not-granted', refusal)
  return { grant, release }
}

function refusalOf({ refused }: BearerParts, { grant, release }: Borne): string | undefined {
  if (grant.revoked_at !== null) return 'this grant was revoked'
  if (release.state === 'recalled') return 'this release was recalled'
  return refused.refusalOf(grant)
}
