import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { systemCode } from '../../src/core/errors.ts'
import { openDatabase } from '../../src/portal/database/open-database.ts'
import { problemOf } from '../../src/portal/http/problems.ts'
import { Journal } from '../../src/portal/journal.ts'
import { ManualClock } from '../support/manual-clock.ts'

describe('A transaction of the portal', () => {
  it('that the disk has no room for fails for that reason, and the next one is not in its way', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'shoal-database-'))
    const db = await openDatabase(join(dir, 'portal.sqlite'))
    try {
      const journal = new Journal({ db, clock: new ManualClock() })
      const note = (detail: string): Promise<void> =>
        journal.change((_tx, notes) => {
          notes.audit({ actor: 'ann', action: 'token-created', subject: 'x', detail })
          return Promise.resolve()
        })
      const { rows } = await sql<{ page_count: number }>`pragma page_count`.execute(db)
      await sql.raw(`pragma max_page_count = ${rows[0]?.page_count ?? 0}`).execute(db)
      const refusal = await note('x'.repeat(100_000)).catch((error: unknown) => error)
      assert.equal(systemCode(refusal), 'SQLITE_FULL')
      assert.match(problemOf(refusal).detail ?? '', /^the disk is full where the portal keeps its things/)
      await note('short')
    } finally {
      await db.destroy()
      await rm(dir, { recursive: true })
    }
  })
})
