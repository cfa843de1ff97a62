import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { sql } from 'kysely'
import { pino } from 'pino'
import { hours, minutes, seconds, type Millis } from '../../src/core/units.ts'
import { openDatabase } from '../../src/portal/database/open-database.ts'
import type { Database } from '../../src/portal/database/tables.ts'
import { XapiOutbox } from '../../src/portal/learning/xapi-outbox.ts'
import { XapiSender } from '../../src/portal/learning/xapi-sender.ts'
import { learningLimits } from '../../src/wire/limits-learning.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { PuppetLrs } from './puppet-lrs.ts'
import { openTestPortal, type TestPortal, type TestPortalOptions } from './test-portal.ts'

const VERB = 'http://adlnet.gov/expapi/verbs/'
const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

describe('The learning system of the company', () => {
  let lrs: PuppetLrs
  let portal: TestPortal

  const open = (more: TestPortalOptions = {}): Promise<TestPortal> =>
    openTestPortal({ ...more, learning: { record: 'true', xapiUrl: `${lrs.url}/`, xapiUser: 'shoal', xapiPassword: 'canary:é', ...more.learning } }) // prettier-ignore
  const watchAll = async (): Promise<string> => {
    const vera = await portal.token('viewer', { user: 'vera' })
    const { slug } = await portal.live(portal.adminToken, { title: 'Fire safety' }, 'film.mp4')
    const body = { file: 0, durationSeconds: 100, ranges: [[0, 40], [50, 100]] } // prettier-ignore
    await portal.api('post', `/bundles/${slug}/releases/1/watched`, vera).send(body).expect(200)
    const again = { ...body, ranges: [[0, 20]] }
    await portal.api('post', `/bundles/${slug}/releases/1/watched`, vera).send(again).expect(200)
    return slug
  }

  beforeEach(async () => {
    lrs = await PuppetLrs.start()
    portal = await open()
  })
  afterEach(async () => {
    await portal[Symbol.asyncDispose]()
    await lrs[Symbol.asyncDispose]()
  })

  it('is told who begins and who has completed, once each, as the video profile has it', async () => {
    const slug = await watchAll()
    portal.clock.advance(seconds(5))
    await lrs.asked(1)
    const [told] = lrs.told
    assert.ok(told !== undefined)
    assert.equal(told.statements.length, 2)
    const [begun, completed] = told.statements
    assert.ok(begun !== undefined && completed !== undefined)
    assert.equal(told.url, 'POST /xapi/statements')
    assert.equal(told.headers['x-experience-api-version'], '1.0.3')
    assert.equal(told.headers.authorization, `Basic ${Buffer.from('shoal:canary:é').toString('base64')}`)
    assert.match(told.headers['content-type'] ?? '', /^application\/json/)
    assert.deepEqual([begun.verb.id, completed.verb.id], [`${VERB}initialized`, `${VERB}completed`])
    assert.match(begun.id, UUID)
    assert.notEqual(begun.id, completed.id)
    assert.deepEqual(begun['actor'], {
      objectType: 'Agent',
      account: { homePage: 'http://media.example.com', name: 'vera' },
    })
    assert.deepEqual(begun['object'], {
      objectType: 'Activity',
      id: `http://media.example.com/bundles/${slug}/releases/1/watch`,
      definition: { type: 'https://w3id.org/xapi/video/activity-type/video', name: { und: 'film.mp4' } },
    })
    assert.equal(begun['result'], undefined)
    assert.deepEqual(completed['result'], {
      completion: true,
      duration: 'PT90S',
      extensions: {
        'https://w3id.org/xapi/video/extensions/time': 100,
        'https://w3id.org/xapi/video/extensions/progress': 0.9,
        'https://w3id.org/xapi/video/extensions/played-segments': '0[.]40[,]50[.]100',
      },
    })
    const [first, second] = told.statements.map(
      ({ context }) => (context as { registration: string }).registration,
    )
    assert.equal(first, second)
  })

  it('is told the same again by a portal that was ended before it heard the answer', async () => {
    lrs.answer = () => 'hang'
    await watchAll()
    portal.clock.advance(seconds(5))
    await lrs.asked(1)
    const { clock, dataDir } = portal
    await portal.portal[Symbol.asyncDispose]()
    lrs.answer = () => ({ status: 200 })
    portal = (await open({ clock, dataDir })).owningFolder()
    portal.clock.advance(seconds(5))
    await lrs.asked(2)
    const [first, second] = lrs.told
    assert.deepEqual(second?.statements, first?.statements)
  })

  it('needs a name and a password, or neither', async () => {
    await assert.rejects(
      openTestPortal({ learning: { record: 'true', xapiUrl: lrs.url, xapiUser: 'shoal' } }),
      /go together/,
    )
    await assert.rejects(open({ learning: { xapiUser: 'x:y' } }), /without a colon/)
    await assert.rejects(open({ learning: { xapiUrl: 'ftp://x/' } }), /only http, https/)
    await assert.rejects(open({ learning: { xapiUrl: 'http://169.254.169.254/' } }), /linkLocal/)
  })
})

describe('What waits for the learning system', () => {
  let lrs: PuppetLrs
  let clock: ManualClock
  let db: Database
  let outbox: XapiOutbox
  let sender: XapiSender
  let lines: string[]
  let stack: AsyncDisposableStack

  beforeEach(async () => {
    stack = new AsyncDisposableStack()
    lrs = stack.use(await PuppetLrs.start())
    const dir = stack.adopt(await mkdtemp(join(tmpdir(), 'shoal-xapi-')), (made) =>
      rm(made, { recursive: true }),
    )
    db = stack.adopt(await openDatabase(join(dir, 'portal.sqlite')), (opened) => opened.destroy())
    clock = new ManualClock()
    lines = []
    const log = pino({ level: 'debug' }, { write: (line) => void lines.push(line) })
    outbox = new XapiOutbox({ db, clock, log })
    sender = new XapiSender({
      clock,
      log,
      outbox,
      url: lrs.url,
      login: { user: 'shoal', password: 'canary' },
    })
  })
  afterEach(() => stack.disposeAsync())

  const add = async (count: number, more: object = {}): Promise<void> => {
    await db.transaction().execute(async (tx) => {
      for (let n = 0; n < count; n++) {
        const id = randomUUID()
        await outbox.add(tx, 'vera', { id, body: { id, ...more } })
      }
    })
  }
  const waiting = async (): Promise<number> =>
    (await db.selectFrom('xapi_outbox').select('id').execute()).length
  const workFor = async (time: Millis, step: Millis): Promise<void> => {
    for (let passed = 0; passed < time; passed += step) {
      clock.advance(step)
      await sender.work()
    }
  }

  it('goes many at a time, and is gone when it was taken', async () => {
    await add(learningLimits.xapiBatchMax + 5)
    await sender.work()
    assert.deepEqual(
      lrs.told.map(({ statements }) => statements.length),
      [learningLimits.xapiBatchMax, 5],
    )
    assert.equal(await waiting(), 0)
    await sender.work()
    assert.equal(lrs.told.length, 2)
  })

  it('outlasts a store that is down for days: it is asked less and less often, and told all when it is back', async () => {
    lrs.answer = () => ({ status: 500 })
    await add(2)
    await sender.work()
    await workFor(minutes(16), seconds(30))
    const inAQuarter = lrs.told.length
    assert.ok(inAQuarter >= 4 && inAQuarter <= 7, `asked ${inAQuarter} times in a quarter of an hour`)
    await workFor(hours(72), minutes(10))
    const inDays = lrs.told.length - inAQuarter
    assert.ok(inDays <= 76 && inDays >= 60, `asked ${inDays} times in three days`)
    assert.equal(await waiting(), 2)
    lrs.answer = () => ({ status: 200 })
    await workFor(hours(2), minutes(10))
    assert.equal(await waiting(), 0)
    const ids = new Set(lrs.told.flatMap(({ statements }) => statements.map(({ id }) => id)))
    assert.equal(ids.size, 2, 'the same ids at every try')
    assert.equal(lines.filter((line) => line.includes('takes no statements')).length, 1, 'said once')
    assert.doesNotMatch(lines.join('\n'), /canary|Y2FuYXJ5/)
  })

  it('is given up by a store that never answers, after a while, and told again', async () => {
    lrs.answer = () => 'hang'
    await add(1)
    const work = sender.work()
    await lrs.asked(1)
    clock.advance(learningLimits.xapiTimeout)
    await work
    assert.equal(await waiting(), 1)
    lrs.answer = () => ({ status: 204 })
    await workFor(minutes(1), seconds(30))
    assert.equal(await waiting(), 0)
    assert.equal(lrs.told.length, 2)
  })

  it('is sent nowhere else', async () => {
    await using elsewhere = await PuppetLrs.start()
    lrs.answer = () => ({ status: 307, headers: { location: `${elsewhere.url}/statements` } })
    await add(1)
    await sender.work()
    await workFor(minutes(5), minutes(1))
    assert.ok(lrs.told.length > 1)
    assert.equal(elsewhere.told.length, 0)
    assert.equal(await waiting(), 1)
  })

  it('waits as long as the store says', async () => {
    lrs.answer = () => ({ status: 429, headers: { 'retry-after': '1200' } })
    await add(1)
    await sender.work()
    await workFor(minutes(19), minutes(1))
    assert.equal(lrs.told.length, 1)
    await workFor(minutes(2), minutes(1))
    assert.equal(lrs.told.length, 2)
  })

  it('is not kept back by one that is refused, and that one goes in the end', async () => {
    await add(3)
    await add(1, { isBad: true })
    await add(3)
    lrs.answer = ({ statements }) => ({ status: statements.some(({ isBad }) => isBad === true) ? 400 : 200 })
    await sender.work()
    await workFor(seconds(5), seconds(5))
    assert.equal(await waiting(), 1)
    await workFor(hours(60), minutes(30))
    assert.equal(await waiting(), 0)
    assert.ok(lines.some((line) => line.includes('never takes this')))
  })

  it('is done with when the store has another of its id', async () => {
    lrs.answer = () => ({ status: 409 })
    await add(2)
    await sender.work()
    assert.equal(await waiting(), 0)
    assert.deepEqual(lrs.told.map(({ statements }) => statements.length), [2, 1, 1]) // prettier-ignore
  })

  it('is no more than a bound, which is said', async () => {
    await sql`
      insert into xapi_outbox (id, person, body, created_at, due_at, attempts)
      with recursive n (i) as (select 1 union all select i + 1 from n where i < ${learningLimits.xapiWaitingMax})
      select 'made ' || i, 'x', '{}', 1, 1, 0 from n`.execute(db)
    await add(2)
    assert.equal(await waiting(), learningLimits.xapiWaitingMax)
    assert.equal(lines.filter((line) => line.includes('too much waits')).length, 1)
  })
})
