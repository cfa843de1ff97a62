/** What was hashed for a draft becomes a release that is listed. */
import { ShoalError } from '../../core/errors.ts'
import type { Torrent } from '../../core/metainfo.ts'
import { epochMillis } from '../../core/units.ts'
import { addReleaseIn, createBundleIn } from '../catalogue/changes.ts'
import { textList } from '../catalogue/rows.ts'
import type { Tx } from '../database/tables.ts'
import type { Notes } from '../journal.ts'
import { may } from '../policy.ts'
import type { StoredDraft } from './draft-rows.ts'

export const takenBack = (): ShoalError => new ShoalError('interrupted', 'taken back')

interface Handed {
  readonly draft: StoredDraft
  readonly torrent: Torrent
  readonly now: number
}

/**
 * Bundle, release and the draft's end are one: none of them is there without the others.
 * @throws ShoalError `interrupted` when its owner has taken it back; `not-granted`, `bad-input`, `conflict`.
 */
export async function listDraft(
  tx: Tx,
  notes: Notes,
  { draft: handedIn, torrent, now }: Handed,
): Promise<void> {
  const draft = await tx
    .selectFrom('drafts')
    .selectAll()
    .where('id', '=', handedIn.id)
    .where('state', '=', 'hashed')
    .where('round', '=', handedIn.round)
    .executeTakeFirst()
  if (draft === undefined) throw takenBack()
  if (draft.expires_at !== null && draft.expires_at <= now)
    throw new ShoalError('bad-input', 'the time until which it was to be there is over')
  await mustStillMay(tx, draft)
  const bundle = draft.bundle ?? (await createBundleIn(tx, notes, { draft: bundleOf(draft), now })).bundle
  const { release } = await addReleaseIn(tx, notes, {
    draft: {
      bundle,
      name: draft.release_name ?? undefined,
      torrent,
      notes: draft.notes,
      admit: draft.admit,
      rights: draft.rights,
      publishedBy: draft.owner,
      expiresAt: draft.expires_at === null ? undefined : epochMillis(draft.expires_at),
    },
    now,
  })
  await tx
    .updateTable('drafts')
    .set({
      state: 'listed',
      bundle,
      release_name: release.name,
      infohash: torrent.infoHash,
      updated_at: now,
    })
    .where('id', '=', draft.id)
    .execute()
}

/** Of accounts by token nothing is known here. @throws ShoalError `not-granted` for a person who may publish it no more. */
async function mustStillMay(tx: Tx, { owner, bundle: slug }: StoredDraft): Promise<void> {
  const person = await tx.selectFrom('people').selectAll().where('name', '=', owner).executeTakeFirst()
  if (person === undefined) return
  if (person.disabled_at !== null)
    throw new ShoalError('not-granted', `${owner} is disabled, and publishes nothing any more`)
  const account = { user: owner, role: person.role, groups: [] }
  const bundle =
    slug === null
      ? undefined
      : await tx
          .selectFrom('bundles')
          .select(['owner', 'audience'])
          .where('slug', '=', slug)
          .executeTakeFirst()
  const action =
    bundle === undefined
      ? ({ kind: 'create-bundle' } as const)
      : ({
          kind: 'add-release',
          bundle: { owner: bundle.owner, audience: textList(bundle.audience) },
        } as const)
  if (!may(account, action)) throw new ShoalError('not-granted', `${owner} may not publish it any more`)
}

const bundleOf = (draft: StoredDraft) => ({
  title: draft.title,
  description: draft.description,
  tags: textList(draft.tags),
  audience: textList(draft.audience),
  owner: draft.owner,
})
