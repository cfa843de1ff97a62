/**
 * Whoever leaves the company is disabled: in one transaction nobody comes in by that name any more, and then the ledger
 * ends what was given out. A crash in between is made good at the next start.
 */
import type { EpochMillis } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { PersonRole } from '../../wire/api.ts'
import type { Database, Tx } from '../database/tables.ts'
import { revokeDevicesOf, revokeOriginsOf } from '../devices/devices.ts'
import type { GrantLedger } from '../grants/ledger.ts'
import { revokeServingGrants } from '../grants/serving-grants.ts'
import type { Notes } from '../journal.ts'
import { mayHold } from './roles.ts'
import type { People } from './people.ts'

interface Leaver {
  readonly name: string
  readonly at: EpochMillis
  readonly by: string
}

/** Sessions, invitations, the feed, tokens with what hangs on them, devices. */
export async function endAllOf(
  tx: Tx,
  notes: Notes,
  { name, at, by }: Leaver,
): Promise<{ readonly sessions: number; readonly devices: number }> {
  const sessions = await tx.deleteFrom('sessions').where('person', '=', name).executeTakeFirst()
  await tx.deleteFrom('invitations').where('person', '=', name).execute()
  await tx.deleteFrom('feeds').where('person', '=', name).execute()
  const tokens = await tx.deleteFrom('tokens').where('user', '=', name).returning(['id', 'name']).execute()
  await endTokens(tx, notes, { tokens, at, by })
  const devices = await revokeDevicesOf(tx, notes, { user: name, at, by })
  return { sessions: Number(sessions.numDeletedRows), devices }
}

/** Of a person who is less from now on: tokens of machines, which certify what opens every release, with all that hangs on them. */
export async function endTokensBeyond(
  tx: Tx,
  notes: Notes,
  { name, role, at, by }: Leaver & { readonly role: PersonRole },
): Promise<void> {
  if (mayHold(role, 'origin')) return
  const machines = tx.deleteFrom('tokens').where('user', '=', name).where('role', '=', 'origin')
  await endTokens(tx, notes, { tokens: await machines.returning(['id', 'name']).execute(), at, by })
}

async function endTokens(
  tx: Tx,
  notes: Notes,
  {
    tokens,
    at,
    by,
  }: {
    readonly tokens: readonly { readonly id: string; readonly name: string }[]
    readonly at: EpochMillis
    readonly by: string
  },
): Promise<void> {
  for (const token of tokens) {
    await revokeServingGrants(tx, notes, { tokenId: token.id, by, at })
    await revokeOriginsOf(tx, notes, { tokenId: token.id, at, by })
    notes.audit({ actor: by, action: 'token-deleted', subject: token.id, detail: `"${token.name}"` })
  }
}

export interface LeavingParts {
  readonly db: Database
  readonly clock: Clock
  readonly people: People
  readonly ledger: GrantLedger
}

/** Answers how many of each ended. @throws ShoalError `not-found`; `conflict` for the last admin. */
export async function disable(
  { people, ledger, clock }: LeavingParts,
  name: string,
  by: string,
): Promise<{ readonly sessions: number; readonly devices: number; readonly grants: number }> {
  const ended = await people.disable(name, by)
  const grants = await ledger.commit({ kind: 'revoke-user', user: name, at: clock.epoch(), by })
  return { ...ended, grants }
}

/** Grants of whom the last process disabled and got no further. */
export async function finishLeaving({ db, ledger, clock }: Omit<LeavingParts, 'people'>): Promise<void> {
  const now = clock.epoch()
  const rows = await db
    .selectFrom('people')
    .select('name')
    .where('disabled_at', 'is not', null)
    .where((eb) =>
      eb.exists(
        eb
          .selectFrom('grants')
          .select('grants.id')
          .whereRef('grants.for_user', '=', 'people.name')
          .where('grants.revoked_at', 'is', null)
          .where('grants.expires_at', '>', now),
      ),
    )
    .execute()
  for (const { name } of rows) await ledger.commit({ kind: 'revoke-user', user: name, at: now, by: 'start' })
}
