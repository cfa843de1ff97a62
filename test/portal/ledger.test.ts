import assert from 'node:assert/strict'
import { fork } from 'node:child_process'
import { once } from 'node:events'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ShoalError } from '../../src/core/errors.ts'
import { seconds } from '../../src/core/units.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { openConnection } from '../../src/portal/database/connection.ts'
import { openDatabase } from '../../src/portal/database/open-database.ts'
import type { Database } from '../../src/portal/database/tables.ts'
import { WorkerLedger } from '../../src/portal/grants/worker-ledger.ts'
import { Journal } from '../../src/portal/journal.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { issueAct } from './ledger-acts.ts'

describe('The ledger of grants', () => {
  let folder: string
  let file: string
  let db: Database
  let clock: ManualClock
  let ledger: WorkerLedger

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shoal-ledger-'))
    file = join(folder, 'portal.sqlite')
    db = await openDatabase(file)
    clock = new ManualClock()
    ledger = await WorkerLedger.start({ clock, log: silentLogger, journal: new Journal({ db, clock }), file })
  })
  afterEach(async () => {
    await ledger[Symbol.asyncDispose]()
    await db.destroy()
    await rm(folder, { recursive: true })
  })

  const countOf = async (table: 'grants' | 'audit'): Promise<number> => {
    const row = await db.selectFrom(table).select((eb) => eb.fn.countAll<number>().as('n')).executeTakeFirstOrThrow() // prettier-ignore
    return row.n
  }

  it('answers after the commit, each grant with its audit row', async () => {
    const acts = Array.from({ length: 300 }, () => issueAct(clock))
    await Promise.all(
      acts.map(async (act) => {
        assert.equal(await ledger.commit(act), 1)
        const row = await db.selectFrom('grants').select('id').where('id', '=', act.id).executeTakeFirst()
        assert.equal(row?.id, act.id)
      }),
    )
    assert.deepEqual([await countOf('grants'), await countOf('audit')], [300, 300])
  })

  it('commits what comes together in few groups', async () => {
    const versions = new Set<number>()
    const watcher = openConnection(file)
    await Promise.all(
      Array.from({ length: 500 }, async () => {
        await ledger.commit(issueAct(clock))
        versions.add(watcher.pragma('data_version', { simple: true }) as number)
      }),
    )
    watcher.close()
    assert.ok(versions.size < 50, `${versions.size} commits seen for 500 grants`)
  })

  it('spoils no other act of a group with one that fails', async () => {
    const twice = issueAct(clock)
    const [a, b, c] = await Promise.allSettled([
      ledger.commit(twice),
      ledger.commit(twice),
      ledger.commit(issueAct(clock)),
    ])
    assert.deepEqual([a.status, b.status, c.status], ['fulfilled', 'rejected', 'fulfilled'])
    assert.deepEqual([await countOf('grants'), await countOf('audit')], [2, 2])
  })

  it('revokes once, and a person’s grants all together', async () => {
    const one = issueAct(clock)
    const two = issueAct(clock)
    await Promise.all([ledger.commit(one), ledger.commit(two)])
    const at = clock.epoch()
    assert.equal(await ledger.commit({ kind: 'revoke', id: one.id, at, by: 'admin' }), 1)
    assert.equal(await ledger.commit({ kind: 'revoke', id: one.id, at, by: 'admin' }), 0)
    assert.equal(await ledger.commit({ kind: 'revoke-user', user: 'vera', at, by: 'admin' }), 1)
    assert.equal(await countOf('audit'), 4)
  })

  it('renews nothing that was revoked in the meantime', async () => {
    const old = issueAct(clock)
    await ledger.commit(old)
    const [revoked, renewed] = await Promise.all([
      ledger.commit({ kind: 'revoke', id: old.id, at: clock.epoch(), by: 'admin' }),
      ledger.commit({ ...issueAct(clock), renews: old.id }),
    ])
    assert.deepEqual([revoked, renewed], [1, 0])
    assert.equal(await countOf('grants'), 1)
  })

  it('writes beside the other connection without failing', async () => {
    const journal = new Journal({ db, clock })
    const others = Array.from({ length: 100 }, (_, i) =>
      journal.change((_tx, notes) => {
        notes.audit({ actor: 'test', action: 'test', subject: String(i) })
        return Promise.resolve()
      }),
    )
    await Promise.all([...others, ...Array.from({ length: 100 }, () => ledger.commit(issueAct(clock)))])
    assert.deepEqual([await countOf('grants'), await countOf('audit')], [100, 200])
  })

  it('says "unavailable" when its thread dies, and works again with a new one', async () => {
    const lost = ledger.commit(issueAct(clock))
    const thread = ledger.workerThread
    assert.ok(thread)
    const [result] = await Promise.all([
      lost.then(
        () => 'written',
        (error: unknown) => (error instanceof ShoalError ? error.code : 'other'),
      ),
      thread.terminate(),
    ])
    assert.ok(result === 'unavailable' || result === 'written')
    await assert.rejects(
      ledger.commit(issueAct(clock)),
      (error) => error instanceof ShoalError && error.code === 'unavailable',
    )
    clock.advance(seconds(1))
    await once(ledger.workerThread ?? thread, 'message')
    assert.equal(await ledger.commit(issueAct(clock)), 1)
  })

  it('writes what waits before it closes', async () => {
    const pending = Array.from({ length: 200 }, () => ledger.commit(issueAct(clock)))
    await ledger[Symbol.asyncDispose]()
    await Promise.all(pending)
    assert.equal(await countOf('grants'), 200)
    await assert.rejects(ledger.commit(issueAct(clock)), ShoalError)
  })

  it('has every acknowledged grant after kill -9', async () => {
    const child = fork(new URL('./ledger-child.ts', import.meta.url), [file], {
      stdio: ['ignore', 'ignore', 'ignore', 'ipc'],
    })
    const acknowledged: string[] = []
    const enough = Promise.withResolvers<undefined>()
    child.on('message', (id: string) => {
      acknowledged.push(id)
      if (acknowledged.length === 200) enough.resolve(undefined)
    })
    child.once('exit', () => enough.reject(new Error('the child ended by itself')))
    await enough.promise
    child.removeAllListeners('exit')
    child.kill('SIGKILL')
    await once(child, 'exit')
    const rows = await db.selectFrom('grants').select('id').execute()
    const there = new Set<string>(rows.map((row) => row.id))
    assert.ok(acknowledged.length >= 200)
    for (const id of acknowledged) assert.ok(there.has(id), id)
    assert.equal(await countOf('audit'), rows.length, 'an audit row for each, acknowledged or not')
  })
})
