/**
 * The people of a large company in the data folder of a portal, as two years leave them: accounts, groups, requests for
 * access and grants. Written into the portal's own tables, as `fillLibrary` does.
 */
import { join } from 'node:path'
import { sql } from 'kysely'
import { openDatabase } from '../../src/portal/database/open-database.ts'
import { AUDIT, LAST_DAY } from './library.ts'
import { GROUPS } from './words.ts'

const DAY_MS = 24 * 3_600_000

export interface Company {
  readonly people: number
  /** The departments of `words.ts`, which audiences name, and teams. */
  readonly groups: number
  readonly requests: number
  readonly grants: number
}

export const COMPANY: Company = { people: AUDIT.people, groups: 1_000, requests: 20_000, grants: 200_000 }

/** Each of them is in four groups, one of them a department. One in a hundred requests is open. */
export async function fillCompany(dataDir: string, company: Company, bundles: number): Promise<void> {
  const db = await openDatabase(join(dataDir, 'portal.sqlite'))
  const { people, groups, requests, grants } = company
  const numbers = (count: number) =>
    sql`with recursive n (i) as (select 0 union all select i + 1 from n where i < ${sql.lit(count - 1)})`
  try {
    await sql`pragma synchronous = off`.execute(db)
    await db.transaction().execute(async (tx) => {
      const names = [...GROUPS, ...Array.from({ length: groups - GROUPS.length }, (_, i) => `team-${i}`)]
      for (const [i, name] of names.entries())
        await tx
          .insertInto('groups')
          .values({ name, description: `Unit ${i}`, created_at: LAST_DAY })
          .execute()
      await sql`
        insert into people (name, display_name, email, role, password, created_at, disabled_at, last_seen_at)
        ${numbers(people)}
        select 'person-' || i, 'Person Number ' || i, 'person-' || i || '@example.com',
          case when i = 0 then 'admin' when i % 50 = 1 then 'publisher' else 'viewer' end, null, ${LAST_DAY},
          case when i % 40 = 39 then ${LAST_DAY} end, ${LAST_DAY} - i * 60000 from n`.execute(tx)
      await sql`
        insert or ignore into memberships (person, group_name)
        ${numbers(people)}, g (k) as (select 0 union all select k + 1 from g where k < 3)
        select 'person-' || i, case when k = 0 then 'dept-' || printf('%03d', i % ${sql.lit(GROUPS.length)})
          else 'team-' || ((i * 31 + k * 257) % ${sql.lit(groups - GROUPS.length)}) end from n, g`.execute(tx)
      await sql`
        insert or ignore into requests (id, slug, person, reason, state, asked_at, answered_at, answered_by, answer, granted_to, until, is_told)
        ${numbers(requests)}
        select 'request-' || i, 'bundle-' || (i * 7919 % ${sql.lit(bundles)}), 'person-' || (i * 31 % ${sql.lit(people)}), 'I need it for my work.',
          case when i % 100 = 0 then 'open' when i % 3 = 0 then 'denied' else 'granted' end, ${LAST_DAY} - (i % 60) * ${DAY_MS} - i,
          case when i % 100 > 0 then ${LAST_DAY} end, case when i % 100 > 0 then 'publisher-' || (i % 50) end, '', null, null, 1 from n`.execute(
        tx,
      )
      await sql`
        insert into grants (id, infohash, bundle, release, for_user, issued_by, issued_at, expires_at, revoked_at, peers_max, kid)
        ${numbers(grants)}
        select 'grant-' || i, printf('%040x', i), 'bundle-' || (i * 104729 % ${sql.lit(bundles)}), '1', 'person-' || (i * 7919 % ${sql.lit(people)}),
          'person-' || (i * 7919 % ${sql.lit(people)}), ${LAST_DAY} - i * 300000, ${LAST_DAY} - i * 300000 + ${DAY_MS},
          case when i % 50 = 0 then ${LAST_DAY} end, 8, 'old' from n`.execute(tx)
    })
    await sql`pragma wal_checkpoint(truncate)`.execute(db)
  } finally {
    await db.destroy()
  }
}
