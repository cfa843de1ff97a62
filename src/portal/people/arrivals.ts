/**
 * Whoever comes by the company's login. They are known by issuer and subject and by nothing else: a name or an address can be
 * somebody else's next year, so no account is ever taken over because it is called the same. One that was made here is
 * bound to the login by its invitation.
 */
import type { Selectable } from 'kysely'
import { ShoalError } from '../../core/errors.ts'
import type { Clock } from '../../platform/clock.ts'
import type { PersonRole } from '../../wire/api.ts'
import type { Claimed } from '../company-login/claims.ts'
import type { CompanyLoginSettings } from '../company-login/settings.ts'
import type { PersonRow, Tx } from '../database/tables.ts'
import type { Journal, Notes } from '../journal.ts'
import { listOfName } from '../catalogue/bundle-lists.ts'
import { takeInvitation } from './invitations.ts'
import { endTokensBeyond } from './leaving.ts'
import { hasPerson, mustBeNoGroup, setClaimedGroups } from './memberships.ts'
import { isOnlyAdmin } from './people.ts'

/** Who did it, in the audit trail. */
const BY = 'company login'
/** Weakest first. */
const RANK: readonly PersonRole[] = ['viewer', 'auditor', 'publisher', 'operator', 'admin']

export interface ArrivalsParts {
  readonly journal: Journal
  readonly clock: Clock
  readonly settings: Pick<CompanyLoginSettings, 'makesPeople' | 'makesGroups' | 'roles'>
}

/**
 * The name of the person, whose groups and role are now what the login says.
 * @throws ShoalError `not-authenticated` for whom is no account, `not-granted` for a disabled one, `conflict` for a name
 *   that is somebody else's.
 */
export async function arrive(
  parts: ArrivalsParts,
  { claimed, invitation }: { readonly claimed: Claimed; readonly invitation: string | undefined },
): Promise<string> {
  return parts.journal.change(async (tx, notes) => {
    const known = await personOf(tx, claimed)
    const person =
      invitation === undefined
        ? (known ?? (await create(tx, notes, parts, claimed)))
        : await bind(tx, notes, { claimed, known, invitation, at: parts.clock.epoch() })
    if (person.disabled_at !== null) throw new ShoalError('not-granted', 'this account is disabled')
    await follow(tx, notes, parts, { person, claimed })
    return person.name
  })
}

function personOf(tx: Tx, { issuer, subject }: Claimed): Promise<Selectable<PersonRow> | undefined> {
  return tx
    .selectFrom('identities')
    .innerJoin('people', 'people.name', 'identities.person')
    .selectAll('people')
    .where('issuer', '=', issuer)
    .where('subject', '=', subject)
    .executeTakeFirst()
}

async function create(
  tx: Tx,
  notes: Notes,
  { clock, settings }: ArrivalsParts,
  claimed: Claimed,
): Promise<Selectable<PersonRow>> {
  if (!settings.makesPeople)
    throw new ShoalError('not-authenticated', 'there is no account for you here: ask for an invitation')
  const { name } = claimed
  if (name === undefined)
    throw new ShoalError(
      'bad-input',
      'the company login gave you a name that is none here: ask for an invitation',
    )
  if (await hasPerson(tx, name))
    throw new ShoalError(
      'conflict',
      `there is an account called ${name} already: if it is yours, ask for an invitation, which joins the two`,
    )
  await mustBeNoGroup(tx, name)
  await mustBeNobodys(tx, name)
  const row: Selectable<PersonRow> = {
    name,
    display_name: claimed.displayName,
    email: claimed.email,
    role: 'viewer',
    password: null,
    created_at: clock.epoch(),
    disabled_at: null,
    last_seen_at: null,
  }
  await tx.insertInto('people').values(row).execute()
  notes.audit({ actor: BY, action: 'person-created', subject: name, detail: 'as viewer' })
  await identify(tx, notes, claimed, name)
  return row
}

/**
 * A name that is in use without an account, by tokens, in audiences or as an owner, is somebody's already: whoever comes first by
 * the login is not to have what is theirs.
 */
async function mustBeNobodys(tx: Tx, name: string): Promise<void> {
  const uses = await Promise.all([
    tx.selectFrom('tokens').select('id').where('user', '=', name).limit(1).executeTakeFirst(),
    tx.selectFrom('bundles').select('id').where('owner', '=', name).limit(1).executeTakeFirst(),
    tx.selectFrom('devices').select('id').where('user', '=', name).limit(1).executeTakeFirst(),
    tx.selectFrom('grants').select('id').where('for_user', '=', name).limit(1).executeTakeFirst(),
    tx
      .selectFrom('bundle_lists')
      .select('bundle_id')
      .where('list', '=', listOfName(name))
      .limit(1)
      .executeTakeFirst(),
  ])
  if (uses.some((use) => use !== undefined))
    throw new ShoalError('conflict', `the name ${name} is in use here already: ask for an invitation`)
}

/** The person whom the invitation invites is whoever came; what else opened the account opens it no more. */
async function bind(
  tx: Tx,
  notes: Notes,
  {
    claimed,
    known,
    invitation,
    at,
  }: {
    readonly claimed: Claimed
    readonly known: Selectable<PersonRow> | undefined
    readonly invitation: string
    readonly at: number
  },
): Promise<Selectable<PersonRow>> {
  const person = await takeInvitation(tx, invitation, at)
  if (known !== undefined && known.name !== person.name)
    throw new ShoalError('conflict', `the company login already opens the account ${known.name}`)
  if (known === undefined) {
    await tx.updateTable('people').set({ password: null }).where('name', '=', person.name).execute()
    await tx.deleteFrom('sessions').where('person', '=', person.name).execute()
    await tx
      .deleteFrom('identities')
      .where('person', '=', person.name)
      .where('issuer', '=', claimed.issuer)
      .execute()
    await identify(tx, notes, claimed, person.name)
  }
  return person
}

async function identify(tx: Tx, notes: Notes, { issuer, subject }: Claimed, person: string): Promise<void> {
  await tx.insertInto('identities').values({ issuer, subject, person }).execute()
  notes.audit({ actor: BY, action: 'login-bound', subject: person, detail: `${subject} of ${issuer}` })
}

/** What the login says of a person holds from each sign-in on. */
async function follow(
  tx: Tx,
  notes: Notes,
  { clock, settings }: ArrivalsParts,
  { person, claimed }: { readonly person: Selectable<PersonRow>; readonly claimed: Claimed },
): Promise<void> {
  const { name } = person
  const email = claimed.email === '' ? person.email : claimed.email
  const display_name = claimed.displayName === '' ? person.display_name : claimed.displayName
  await tx.updateTable('people').set({ email, display_name }).where('name', '=', name).execute()
  const { groups } = claimed
  if (groups === undefined) return
  const { makesGroups, roles } = settings
  await setClaimedGroups(tx, notes, { person: name, groups, by: BY, at: clock.epoch(), makesGroups })
  if (roles.length === 0) return
  const role = strongest(roles.filter(({ group }) => groups.includes(group)).map((one) => one.role))
  if (role === person.role) return
  // Nobody is locked out of the portal by a group that was renamed.
  if (person.role === 'admin' && (await isOnlyAdmin(tx, name))) return
  await endTokensBeyond(tx, notes, { name, role, by: BY, at: clock.epoch() })
  await tx.updateTable('people').set({ role }).where('name', '=', name).execute()
  notes.audit({ actor: BY, action: 'person-role', subject: name, detail: `${role}, who was ${person.role}` })
}

const strongest = (roles: readonly PersonRole[]): PersonRole =>
  RANK.findLast((role) => roles.includes(role)) ?? 'viewer'
