/**
 * Guests: people and groups that are let in beside a bundle's audience, perhaps until a time. Grants that are given meanwhile
 * end with it.
 */
import type { Selectable } from 'kysely'
import { ShoalError } from '../../core/errors.ts'
import type { Slug } from '../../core/ids.ts'
import { type EpochMillis, epochMillis } from '../../core/units.ts'
import type { Guest } from '../../wire/api.ts'
import { limits } from '../../wire/limits.ts'
import { delistFor, enlistFor } from '../catalogue/bundle-lists.ts'
import { isoTime, textList } from '../catalogue/rows.ts'
import type { BundleRow, Tx } from '../database/tables.ts'
import type { Notes, RecordParts } from '../journal.ts'
import { hasPerson, mustBeGroup } from '../people/memberships.ts'

/** How long somebody may see a bundle as a guest, and by which of their names. */
export interface GuestTerm {
  readonly names: readonly string[]
  /** Undefined: without an end. */
  readonly until: EpochMillis | undefined
}

export interface Admission {
  readonly name: string
  readonly until: EpochMillis | undefined
  readonly by: string
}

export class Guests {
  readonly #parts: RecordParts

  constructor(parts: RecordParts) {
    this.#parts = parts
  }

  /** By whichever of these names lasts longest; undefined where none is a guest's. */
  async termOf(slug: Slug, names: readonly string[]): Promise<GuestTerm | undefined> {
    const terms = (await this.#rows(slug)).filter(({ name }) => names.includes(name))
    if (terms.length === 0) return undefined
    const last = Math.max(...terms.map(({ until }) => until ?? Infinity))
    return {
      names: terms.map(({ name }) => name),
      until: last === Infinity ? undefined : epochMillis(last),
    }
  }

  async list(slug: Slug): Promise<Guest[]> {
    const rows = await this.#rows(slug)
    return rows.map(({ name, until, admitted_by }) => ({
      name,
      until: until === null ? null : isoTime(until),
      by: admitted_by ?? '',
    }))
  }

  /** A second time the new end holds. @throws ShoalError as {@link admit}; `not-found` for who is neither person nor group. */
  async admit(slug: Slug, admission: Admission): Promise<void> {
    await this.#parts.journal.change(async (tx, notes) => {
      if (!(await hasPerson(tx, admission.name))) await mustBeGroup(tx, admission.name)
      await admit(tx, notes, { slug, now: this.#parts.clock.epoch(), ...admission })
    })
  }

  /** @throws ShoalError `not-found`. */
  async dismiss(slug: Slug, name: string, by: string): Promise<void> {
    await this.#parts.journal.change(async (tx, notes) => {
      const bundle = await bundleNamed(tx, slug)
      const gone = await tx
        .deleteFrom('bundle_audience')
        .where('bundle_id', '=', bundle.id)
        .where('name', '=', name)
        .where('admitted_by', 'is not', null)
        .executeTakeFirst()
      if (gone.numDeletedRows === 0n) throw new ShoalError('not-found', `${name} is no guest of ${slug}`)
      await delistFor(tx, bundle.id, name)
      notes.audit({ actor: by, action: 'access-ended', subject: slug, detail: `of ${name}` })
    })
  }

  /** Bundles with guests whose time is over: they see nothing of it any more, but stand in lists, and hold what they took. */
  async due(): Promise<Slug[]> {
    const rows = await this.#parts.db
      .selectFrom('bundle_audience')
      .innerJoin('bundles', 'bundles.id', 'bundle_audience.bundle_id')
      .select('bundles.slug')
      .distinct()
      .where('until', '<=', this.#parts.clock.epoch())
      .execute()
    return rows.map(({ slug }) => slug)
  }

  /** Those whose time is over are in no list any more. What they took ends before: see `endGuests`. */
  async sweep(): Promise<void> {
    const now = this.#parts.clock.epoch()
    await this.#parts.journal.change(async (tx) => {
      const gone = await tx
        .deleteFrom('bundle_audience')
        .where('until', '<=', now)
        .returning(['bundle_id', 'name'])
        .execute()
      for (const { bundle_id, name } of gone) await delistFor(tx, bundle_id, name)
    })
  }

  #rows(slug: Slug) {
    return this.#parts.db
      .selectFrom('bundle_audience')
      .innerJoin('bundles', 'bundles.id', 'bundle_audience.bundle_id')
      .select(['name', 'until', 'admitted_by'])
      .where('bundles.slug', '=', slug)
      .where('admitted_by', 'is not', null)
      .where((eb) => eb.or([eb('until', 'is', null), eb('until', '>', this.#parts.clock.epoch())]))
      .orderBy('name')
      .execute()
  }
}

/**
 * @throws ShoalError `not-found` without the bundle; `conflict` for whom it is already; `bad-input` for an end in the past;
 *   `over-limit`.
 */
export async function admit(
  tx: Tx,
  notes: Notes,
  { slug, name, until, by, now }: Admission & { readonly slug: Slug; readonly now: number },
): Promise<void> {
  const bundle = await bundleNamed(tx, slug)
  if (until !== undefined && until <= now) throw new ShoalError('bad-input', 'that time is over already')
  if (textList(bundle.audience).includes(name))
    throw new ShoalError('conflict', `${name} is in the audience of ${slug} already`)
  const { count } = await tx
    .selectFrom('bundle_audience')
    .select(({ fn }) => fn.countAll<number>().as('count'))
    .where('bundle_id', '=', bundle.id)
    .where('admitted_by', 'is not', null)
    .where('name', '!=', name)
    .executeTakeFirstOrThrow()
  if (count >= limits.guestsMax)
    throw new ShoalError('over-limit', `${slug} has ${limits.guestsMax} guests: make a group of them`)
  const term = { until: until ?? null, admitted_by: by }
  await tx
    .insertInto('bundle_audience')
    .values({ bundle_id: bundle.id, name, ...term })
    .onConflict((conflict) => conflict.columns(['bundle_id', 'name']).doUpdateSet(term))
    .execute()
  await enlistFor(tx, bundle, name)
  const end = until === undefined ? 'without an end' : `until ${isoTime(until)}`
  notes.audit({ actor: by, action: 'access-granted', subject: slug, detail: `to ${name}, ${end}` })
}

async function bundleNamed(tx: Tx, slug: Slug): Promise<Selectable<BundleRow>> {
  const row = await tx.selectFrom('bundles').selectAll().where('slug', '=', slug).executeTakeFirst()
  if (row === undefined) throw new ShoalError('not-found', 'no such bundle')
  return row
}
