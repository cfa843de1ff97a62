/** Single values that outlive a restart: the site map, the tracker epoch. */
import type { Database, Tx } from './database/tables.ts'

export type FactName = 'sites' | 'epoch'

export async function readFact(db: Database | Tx, name: FactName): Promise<string | undefined> {
  const row = await db.selectFrom('facts').select('value').where('name', '=', name).executeTakeFirst()
  return row?.value
}

export async function writeFact(tx: Tx, name: FactName, value: string): Promise<void> {
  await tx
    .insertInto('facts')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute()
}

/** The tracker epoch: a new one tells every client to announce again. Begins at 1. */
export async function readEpoch(db: Database | Tx): Promise<number> {
  return Number((await readFact(db, 'epoch')) ?? '1')
}
