/** Is there room for what somebody is about to upload? Asked before a byte of it is sent. */
import prettyBytes from 'pretty-bytes'
import { ShoalError } from '../../core/errors.ts'
import { hours } from '../../core/units.ts'
import type { Tx } from '../database/tables.ts'

const PROMISE_LIFE = hours(24)

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
  { freeBytes, now }: { readonly freeBytes: number; readonly now: number },
): Promise<void> {
  const used = await usedBytes(tx, owner)
  if (used + addedBytes > quota)
    throw new ShoalError(
      'over-limit',
      `your uploads may take ${bytes(quota)} in all: they take ${bytes(used)}, and this would add ${bytes(addedBytes)}. Delete drafts, or ask your operator for more`,
    )
  const room = freeBytes - keepFreeBytes - (await promisedBytes(tx, now))
  if (addedBytes > room)
    throw new ShoalError(
      'over-limit',
      `the server has room for ${bytes(Math.max(0, room))}, and this takes ${bytes(addedBytes)}: ask your operator for more`,
    )
}

/** What the person's uploads take, or will; those of recalled releases too, until their owner deletes them. */
async function usedBytes(tx: Tx, owner: string): Promise<number> {
  const row = await tx
    .selectFrom('draft_files')
    .innerJoin('drafts', 'drafts.id', 'draft_files.draft_id')
    .select(({ fn }) => fn.sum<number | null>('draft_files.size_bytes').as('bytes'))
    .where('drafts.owner', '=', owner)
    .executeTakeFirstOrThrow()
  return row.bytes ?? 0
}

/**
 * Of everybody: what has been agreed to and has not come yet. Uploads half there count in full: better too early a no. A
 * promise of which nothing is heard for a day is not kept.
 */
async function promisedBytes(tx: Tx, now: number): Promise<number> {
  const row = await tx
    .selectFrom('draft_files')
    .innerJoin('drafts', 'drafts.id', 'draft_files.draft_id')
    .select(({ fn }) => fn.sum<number | null>('draft_files.size_bytes').as('bytes'))
    .where('is_there', '=', 0)
    .where('drafts.updated_at', '>', now - PROMISE_LIFE)
    .executeTakeFirstOrThrow()
  return row.bytes ?? 0
}

/** @throws ShoalError `unavailable` where so much more would take what is to stay free: others have filled the disk meanwhile. */
export function mustHaveSpace(freeBytes: number, moreBytes: number, { keepFreeBytes }: RoomSettings): void {
  if (freeBytes - keepFreeBytes >= moreBytes) return
  throw new ShoalError(
    'unavailable',
    'the disk of the server is full. What has come is kept: go on when there is room again',
  )
}

const bytes = (n: number): string => prettyBytes(n)
