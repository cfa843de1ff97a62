/** How a migration is written: statements in one transaction. */
import { type Kysely, sql, type Transaction } from 'kysely'
import type { Migration } from 'kysely/migration'
import type { Tables } from './tables.ts'

/** A step in one transaction, which SQLite allows for schemas too; `if not exists` where its mark was lost. */
export function step(statements: string, then?: (tx: Transaction<Tables>) => Promise<void>): Migration {
  return {
    async up(db: Kysely<Tables>) {
      await db.transaction().execute(async (tx) => {
        await runAll(tx, statements)
        await then?.(tx)
      })
    },
  }
}

export async function runAll(tx: Transaction<Tables>, statements: string): Promise<void> {
  for (const statement of statements.split(/;\s*\n/))
    if (statement.trim() !== '') await sql.raw(statement).execute(tx)
}
