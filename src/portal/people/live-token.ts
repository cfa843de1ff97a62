/** Whether a token still holds, asked in the transaction that hands out something which is to end with it. */
import { ShoalError } from '../../core/errors.ts'
import { type EpochMillis, epochMillis } from '../../core/units.ts'
import type { Tx } from '../database/tables.ts'

/**
 * When the token ends; undefined when it has no end, or there is none behind the request. A request may be long under way: between
 * its first byte and its last somebody can take the token back.
 * @throws ShoalError `not-authenticated` for a token that is gone or over.
 */
export async function endOfToken(
  tx: Tx,
  tokenId: string | undefined,
  now: EpochMillis,
): Promise<EpochMillis | undefined> {
  if (tokenId === undefined) return undefined
  const row = await tx.selectFrom('tokens').select('expires_at').where('id', '=', tokenId).executeTakeFirst()
  if (row === undefined || (row.expires_at !== null && row.expires_at <= now))
    throw new ShoalError('not-authenticated', 'this token was taken back, or is over')
  return row.expires_at === null ? undefined : epochMillis(row.expires_at)
}
