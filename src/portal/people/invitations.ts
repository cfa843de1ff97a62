/**
 * Invitations: links at which a person chooses a password, once. 32 random bytes, kept as their SHA-256, in the database: whoever
 * is invited on Friday comes on Monday, and the portal may have been started anew.
 */
import { randomBytes } from 'node:crypto'
import type { Selectable } from 'kysely'
import { ShoalError } from '../../core/errors.ts'
import { hours } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Invitation } from '../../wire/api.ts'
import { isoTime } from '../catalogue/rows.ts'
import type { Database, PersonRow, Tx } from '../database/tables.ts'
import type { Journal } from '../journal.ts'
import type { Passwords } from './passwords.ts'
import type { People } from './people.ts'
import { sha256Hex } from './tokens.ts'

const LIFE = hours(7 * 24)
const CODE = /^[A-Za-z0-9_-]{43}$/

export interface InvitationsParts {
  readonly db: Database
  readonly journal: Journal
  readonly clock: Clock
  readonly people: People
  readonly passwords: Passwords
  readonly publicUrl: string
}

export class Invitations {
  readonly #parts: InvitationsParts

  constructor(parts: InvitationsParts) {
    this.#parts = parts
  }

  /** The one before is worth nothing then. @throws ShoalError `not-found`; `conflict` for whoever is disabled. */
  async create(name: string, by: string): Promise<Invitation> {
    const { journal, clock, people, publicUrl } = this.#parts
    const person = await people.find(name)
    if (person === undefined) throw new ShoalError('not-found', 'there is nobody of that name')
    if (person.disabledAt !== null)
      throw new ShoalError('conflict', `${name} is disabled: enable the account first`)
    const code = randomBytes(32).toString('base64url')
    const expires_at = clock.epoch() + LIFE
    await journal.change(async (tx, notes) => {
      await tx.deleteFrom('invitations').where('person', '=', name).execute()
      await tx
        .insertInto('invitations')
        .values({ hash: sha256Hex(code), person: name, expires_at })
        .execute()
      notes.audit({ actor: by, action: 'person-invited', subject: name })
    })
    return { url: `${publicUrl}/welcome/${code}`, expiresAt: isoTime(expires_at) }
  }

  /** Whom the code invites; undefined for one that is not known, was used or is over. */
  async personOf(code: string): Promise<string | undefined> {
    return (await invited(this.#parts.db, code, this.#parts.clock.epoch()))?.name
  }

  /**
   * The person has this password from now on, and the code is used up.
   * @throws ShoalError `not-authenticated` for a code that is good no more, `bad-input` for a password that is easily guessed.
   */
  async accept(code: string, password: string): Promise<string> {
    const { journal, clock, people, passwords } = this.#parts
    const name = await this.personOf(code)
    const person = name === undefined ? undefined : await people.find(name)
    if (person === undefined) throw overOrUnknown()
    const hash = await passwords.hash(password, [person.name, person.displayName, person.email])
    return journal.change(async (tx, notes) => {
      const { name } = await takeInvitation(tx, code, clock.epoch())
      await people.setPassword(tx, notes, { name, hash })
      return name
    })
  }

  async sweep(): Promise<void> {
    const { db, clock } = this.#parts
    await db.deleteFrom('invitations').where('expires_at', '<=', clock.epoch()).execute()
  }
}

/**
 * The person whom the code invites; it is used up by this.
 * @throws ShoalError `not-authenticated` for one that is good no more.
 */
export async function takeInvitation(tx: Tx, code: string, now: number): Promise<Selectable<PersonRow>> {
  const person = await invited(tx, code, now)
  if (person === undefined) throw overOrUnknown()
  await tx.deleteFrom('invitations').where('person', '=', person.name).execute()
  return person
}

async function invited(
  db: Database | Tx,
  code: string,
  now: number,
): Promise<Selectable<PersonRow> | undefined> {
  if (!CODE.test(code)) return undefined
  return db
    .selectFrom('invitations')
    .innerJoin('people', 'people.name', 'invitations.person')
    .selectAll('people')
    .where('hash', '=', sha256Hex(code))
    .where('expires_at', '>', now)
    .where('people.disabled_at', 'is', null)
    .executeTakeFirst()
}

const overOrUnknown = (): ShoalError =>
  new ShoalError('not-authenticated', 'this invitation was used, or is over: ask for another')
