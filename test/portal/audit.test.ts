import assert from 'node:assert/strict'
import { join } from 'node:path'
import Sqlite from 'better-sqlite3'
import { sql } from 'kysely'
import { hours } from '../../src/core/units.ts'
import { auditCsv } from '../../src/portal/audit.ts'
import { csvLine } from '../../src/portal/csv.ts'
import { openDatabase } from '../../src/portal/database/open-database.ts'
import type { AuditRow } from '../../src/wire/api.ts'
import { openTestPortal, type TestPortal } from './test-portal.ts'

describe('The audit trail', () => {
  let portal: TestPortal
  beforeEach(async () => {
    portal = await openTestPortal()
  })
  afterEach(() => portal[Symbol.asyncDispose]())

  const rows = async (query: string): Promise<AuditRow[]> =>
    (
      (await portal.api('get', `/audit?${query}`, portal.adminToken).expect(200)).body as {
        items: AuditRow[]
      }
    ).items
  const add = (name: string): Promise<unknown> =>
    portal.api('post', '/users', portal.adminToken).send({ name }).expect(201)

  it('is found by who, what, to whom and when, each alone and together', async () => {
    await add('ann')
    portal.clock.advance(hours(1))
    const middle = new Date(portal.clock.epoch()).toISOString()
    await add('bob')
    const { slug } = await portal.live(await portal.token('publisher', { user: 'paula' }))
    await portal.link(portal.adminToken, slug)
    const subjects = async (query: string): Promise<string[]> => (await rows(query)).map((row) => row.subject)
    assert.deepEqual(await subjects('action=person-created'), ['bob', 'ann'])
    assert.deepEqual(await subjects(`action=person-created&from=${middle}`), ['bob'])
    assert.deepEqual(await subjects(`action=person-created&to=${middle}`), ['ann'])
    assert.deepEqual(await subjects('subject=ann&action=person-invited&actor=admin'), ['ann'])
    assert.deepEqual(await subjects('subject=ann&actor=paula'), [])
    assert.equal((await rows(`actor=admin&action=grant-issued&from=${middle}`)).length, 1)
    assert.equal((await rows(`from=${new Date(portal.clock.epoch() + hours(1)).toISOString()}`)).length, 0)
    const all = await rows('limit=200')
    const paged: AuditRow[] = []
    let cursor = ''
    do {
      const page = await portal.api('get', `/audit?limit=3${cursor}`, portal.adminToken).expect(200)
      const { items, nextCursor } = page.body as { items: AuditRow[]; nextCursor: string | null }
      paged.push(...items)
      cursor = nextCursor === null ? '' : `&cursor=${nextCursor}`
    } while (cursor !== '')
    assert.deepEqual(paged, all)
    await portal.api('get', '/audit?from=yesterday', portal.adminToken).expect(400)
  })

  it('is CSV as well, with nothing that a spreadsheet would run', async () => {
    for (let n = 0; n < 3; n++) await add(`person${n}`)
    await portal.token('viewer', { name: '=HYPERLINK("http://evil.example")' })
    const answer = await portal.api('get', '/audit.csv', portal.adminToken).expect(200)
    assert.match(answer.headers['content-type'] ?? '', /^text\/csv/)
    const lines = answer.text.split('\r\n')
    assert.equal(lines[0], 'seq,at,actor,action,subject,detail')
    assert.equal(lines.length - 2, (await rows('limit=200')).length)
    const filtered = await portal
      .api('get', '/audit.csv?action=person-created', portal.adminToken)
      .expect(200)
    assert.equal(filtered.text.split('\r\n').length - 2, 3)
    assert.equal(csvLine(['=1+1', '@x', 'a "b", c', 'x\ny', 3]), `"'=1+1","'@x","a ""b"", c","x\ny",3\r\n`)
  })

  it('lets others have their turn while somebody takes all of it', async () => {
    const db = await openDatabase(join(portal.dataDir, 'other.sqlite'))
    try {
      await sql`
        insert into audit (at, actor, action, subject, detail)
        with recursive n (i) as (select 1 union all select i + 1 from n where i < 5000)
        select i, 'ann', 'grant-issued', 'x', '' from n`.execute(db)
      let turns = 0
      let next = setImmediate(turn)
      function turn(): void {
        turns++
        next = setImmediate(turn)
      }
      let text = ''
      for await (const part of auditCsv(db, {})) text += part
      clearImmediate(next)
      assert.equal(text.split('\r\n').length, 5_002)
      assert.ok(turns >= 10, String(turns))
    } finally {
      await db.destroy()
    }
  })

  it('is neither changed nor deleted, not even by who has the database', async () => {
    await add('ann')
    const db = new Sqlite(join(portal.dataDir, 'portal.sqlite'))
    try {
      assert.throws(() => db.exec("update audit set actor = 'nobody'"), /not changed/)
      assert.throws(() => db.exec('delete from audit'), /not deleted/)
    } finally {
      db.close()
    }
  })
})
