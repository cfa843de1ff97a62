/** Is there room for what somebody is about to upload? Asked before a byte of it is sent. */
import prettyBytes from 'pretty-bytes'
import { ShoalError } from '../../core/errors.ts'
import type { Tx } from '../database/tables.ts'

export interface RoomSettings {
  /** What the uploads of one person may take. */
  readonly quotaBytes: number
  /** What stays free on the disk. */
  readonly keepFreeBytes: number
}

export interface Wish {
  readonly owner: string
  readonly addedBytes: number
}

/**
 * Within the transaction that writes the wish down, so that two at once are not promised the same.
 * @throws ShoalError `over-limit` with what there is and what it would take.
 */
export async function mustHaveRoom(
  tx: Tx,
  { owner, addedBytes }: Wish,
  { quotaBytes: quota, keepFreeBytes }: RoomSettings,
  freeBytes: number,
): Promise<void> {
  const used = await usedBytes(tx, owner)
  if (used + addedBytes > quota)
    throw new ShoalError(
      'over-limit',
      `your uploads may take ${bytes(quota)} in all: they take ${bytes(used)}, and this would add ${bytes(addedBytes)}. Delete drafts, or ask your operator for more`,
    )
  const room = freeBytes - keepFreeBytes - (await promisedBytes(tx))
  if (addedBytes > room)
    throw new ShoalError(
      'over-limit',
      `the server has room for ${bytes(Math.max(0, room))}, and this takes ${bytes(addedBytes)}: ask your operator for more`,
    )
}

/** What the person's uploads take, or will: those of releases that were recalled do not count. */
export async function usedBytes(tx: Tx, owner: string): Promise<number> {
  const row = await tx
    .selectFrom('draft_files')
    .innerJoin('drafts', 'drafts.id', 'draft_files.draft_id')
    .leftJoin('releases', 'releases.infohash', 'drafts.infohash')
    .select(({ fn }) => fn.sum<number | null>('draft_files.size_bytes').as('bytes'))
    .where('drafts.owner', '=', owner)
    .where((eb) => eb.or([eb('releases.state', 'is', null), eb('releases.state', '!=', 'recalled')]))
    .executeTakeFirstOrThrow()
  return row.bytes ?? 0
}

/** Of everybody: what has been agreed to and has not come yet. Uploads half there count in full: better too early a no. */
async function promisedBytes(tx: Tx): Promise<number> {
  const row = await tx
    .selectFrom('draft_files')
    .select(({ fn }) => fn.sum<number | null>('size_bytes').as('bytes'))
    .where('is_there', '=', 0)
    .executeTakeFirstOrThrow()
  return row.bytes ?? 0
}

const bytes = (n: number): string => prettyBytes(n)
