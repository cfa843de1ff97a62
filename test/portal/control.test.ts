import assert from 'node:assert/strict'
import { join } from 'node:path'
import type { InfoHash } from '../../src/core/ids.ts'
import { minutes, seconds } from '../../src/core/units.ts'
import type { ControlEvent } from '../../src/wire/control.ts'
import { openConnection } from '../../src/portal/database/connection.ts'
import { limits } from '../../src/wire/limits.ts'
import { openTestPortal, type TestPortal } from './test-portal.ts'

const kindsOf = (events: readonly ControlEvent[]): string[] => events.map((event) => event.kind)
/** Lets what was sent without a port arrive: the request has registered its timer. */
async function untilWaiting(portal: TestPortal, timersBefore: number): Promise<void> {
  while (portal.clock.timers <= timersBefore) await new Promise((resolve) => setImmediate(resolve))
}

describe('The control feed', () => {
  let portal: TestPortal
  beforeEach(async () => (portal = await openTestPortal()))
  afterEach(() => portal[Symbol.asyncDispose]())

  it('begins with a snapshot: keys, epoch, what was revoked and recalled, who serves, what waits', async () => {
    const { slug, release } = await portal.live(portal.adminToken)
    const { grant } = await portal.link(portal.adminToken, slug)
    await portal.api('delete', `/grants/${grant.id}`, portal.adminToken).expect(204)
    const waiting = await portal.release(portal.adminToken, slug, 'two')
    const gone = await portal.release(portal.adminToken, slug, 'three')
    await portal.api('post', `/bundles/${slug}/releases/3/recall`, portal.adminToken).expect(200)
    const { events, snapshot } = await portal.control(0)
    assert.equal(snapshot, true)
    assert.deepEqual(kindsOf(events).sort(), [
      'epoch', 'grant-key', 'grant-key', 'grant-revoked', 'recalled', 'serves', 'wanted',
    ]) // prettier-ignore
    const hashes = events.flatMap((event) => ('infohash' in event ? [event.infohash] : []))
    assert.deepEqual(hashes, [waiting.infohash, gone.infohash])
    assert.deepEqual(events.find((event) => event.kind === 'serves'), {
      kind: 'serves', peerId: 'a'.repeat(40), role: 'origin', host: '10.1.2.3', port: 16_881, infohashes: [release.infohash],
    }) // prettier-ignore
  })

  it('then tells what happened since, in order', async () => {
    const { seq } = await portal.control(0)
    const { slug } = await portal.live(portal.adminToken)
    const { grant } = await portal.link(portal.adminToken, slug)
    await portal.api('delete', `/grants/${grant.id}`, portal.adminToken).expect(204)
    const answer = await portal.control(seq)
    assert.equal(answer.snapshot, false)
    assert.deepEqual(kindsOf(answer.events), ['wanted', 'serves', 'grant-peers', 'grant-revoked'])
    assert.equal((await portal.control(answer.seq - 1)).events.length, 1)
  })

  it('keeps service events from those who do not serve', async () => {
    const vera = await portal.token('viewer')
    const { seq } = await portal.control(0, vera)
    const { slug } = await portal.live(portal.adminToken)
    await portal.api('post', `/bundles/${slug}/releases/1/recall`, portal.adminToken).expect(200)
    assert.deepEqual(kindsOf((await portal.control(seq, vera)).events), ['recalled'])
    assert.ok(!kindsOf((await portal.control(0, vera)).events).some((kind) => /serves|wanted/.test(kind)))
  })

  it('is read while another writes: it waits for no lock', async () => {
    await portal.control(0) // from now on nobody notes that the token was used
    const writer = openConnection(join(portal.dataDir, 'portal.sqlite'))
    writer.exec('begin immediate')
    try {
      assert.equal((await portal.control(0)).snapshot, true)
    } finally {
      writer.close()
    }
  })

  it('waits until there is news', async () => {
    const { seq } = await portal.control(0)
    const before = portal.clock.timers
    const waiting = portal.control(seq)
    await untilWaiting(portal, before)
    await portal.release(portal.adminToken, await portal.bundle(portal.adminToken))
    assert.deepEqual(kindsOf((await waiting).events), ['wanted'])
    assert.equal(portal.clock.timers, before, 'its timer is cancelled')
  })

  it('hears of what the ledger’s thread wrote', async () => {
    const { slug } = await portal.live(portal.adminToken)
    const { seq } = await portal.control(0)
    const before = portal.clock.timers
    const waiting = portal.control(seq)
    await untilWaiting(portal, before)
    await portal.link(portal.adminToken, slug)
    assert.deepEqual(kindsOf((await waiting).events), ['grant-peers'])
  })

  it('answers with nothing when there was none for 25 s, and moves on past what it kept back', async () => {
    const vera = await portal.token('viewer')
    const { seq } = await portal.control(0, vera)
    await portal.live(portal.adminToken)
    const before = portal.clock.timers
    const waiting = portal.control(seq, vera)
    await untilWaiting(portal, before)
    portal.clock.advance(limits.controlPollWait)
    const answer = await waiting
    assert.deepEqual(answer.events, [])
    assert.ok(answer.seq > seq)
  })

  it('gives a snapshot to whoever knows a number that was never given out', async () => {
    assert.equal((await portal.control(1_000_000)).snapshot, true)
    await portal.api('get', '/control?after=-1', portal.originToken).expect(400)
    await portal.api('get', '/control?after=x', portal.originToken).expect(400)
  })

  it('answers whoever waits when the portal closes', async () => {
    const { seq } = await portal.control(0)
    const before = portal.clock.timers
    const waiting = portal.control(seq)
    await untilWaiting(portal, before)
    await portal.portal[Symbol.asyncDispose]()
    assert.deepEqual((await waiting).events, [])
    portal = (await openTestPortal({ dataDir: portal.dataDir })).owningFolder()
  })
})

describe('Presence', () => {
  let portal: TestPortal
  beforeEach(async () => (portal = await openTestPortal()))
  afterEach(() => portal[Symbol.asyncDispose]())

  const stateOf = async (slug: string): Promise<string> => {
    const [release] = (await portal.detail(portal.adminToken, slug)).releases
    return `${release?.state ?? 'none'}${release?.reason === undefined ? '' : `: ${release.reason}`}`
  }
  const eventsAfter = async (seq: number): Promise<readonly ControlEvent[]> =>
    (await portal.control(seq)).events

  it('makes a release live when an origin has it in full, not when a mirror says so', async () => {
    const slug = await portal.bundle(portal.adminToken)
    const { infohash } = await portal.release(portal.adminToken, slug)
    await portal.complete([infohash], { kind: 'mirror' })
    assert.equal(await stateOf(slug), 'uploading')
    await portal.complete([infohash], { peerId: 'b'.repeat(40) })
    assert.equal(await stateOf(slug), 'live')
  })

  it('says why a release is missing, and that it is back', async () => {
    const { slug, release } = await portal.live(portal.adminToken)
    await portal.complete([], { missing: [{ infohash: release.infohash, reason: 'film.mp4 was deleted' }] })
    assert.equal(await stateOf(slug), 'missing: film.mp4 was deleted')
    await portal.complete([release.infohash])
    assert.equal(await stateOf(slug), 'live')
  })

  it('keeps a release live while another origin has it', async () => {
    const { slug, release } = await portal.live(portal.adminToken)
    await portal.complete([release.infohash], { peerId: 'b'.repeat(40), port: 17_000 })
    await portal.complete([], { missing: [{ infohash: release.infohash, reason: 'gone' }] })
    assert.equal(await stateOf(slug), 'live')
  })

  it('takes the place of an origin that ended without a word at the same address and port', async () => {
    const { slug, release } = await portal.live(portal.adminToken)
    await portal.complete([], {
      peerId: 'b'.repeat(40),
      missing: [{ infohash: release.infohash, reason: 'gone' }],
    })
    assert.equal(await stateOf(slug), 'missing: gone')
  })

  it('is told once, however often it is repeated', async () => {
    const { release } = await portal.live(portal.adminToken)
    const { seq } = await portal.control(0)
    await portal.complete([release.infohash])
    const moved = { port: 17_000 }
    await portal.complete([release.infohash], moved)
    assert.deepEqual(kindsOf(await eventsAfter(seq)), ['serves-not', 'serves'])
  })

  it('ends three minutes after the last report', async () => {
    const { release } = await portal.live(portal.adminToken)
    const { seq } = await portal.control(0)
    portal.clock.advance(minutes(2))
    await portal.complete([release.infohash])
    portal.clock.advance(minutes(2))
    assert.equal((await portal.control(0)).events.filter((event) => event.kind === 'serves').length, 1)
    const before = portal.clock.timers
    const waiting = portal.control(seq)
    await untilWaiting(portal, before)
    portal.clock.advance(seconds(75))
    assert.deepEqual((await waiting).events, [{ kind: 'serves-not', peerId: 'a'.repeat(40) }])
  })

  it('ends at once when an origin says that it stops', async () => {
    await portal.live(portal.adminToken)
    const { seq } = await portal.control(0)
    await portal.complete([], { stopping: true })
    assert.deepEqual(kindsOf(await eventsAfter(seq)), ['serves-not'])
  })

  it('ignores infohashes that are nobody’s or recalled', async () => {
    const { slug, release } = await portal.live(portal.adminToken)
    await portal.api('post', `/bundles/${slug}/releases/1/recall`, portal.adminToken).expect(200)
    const { seq } = await portal.control(0)
    await portal.complete([release.infohash, 'f'.repeat(40) as InfoHash], {
      peerId: 'b'.repeat(40),
      port: 17_000,
    })
    await portal.complete([], { stopping: true })
    assert.deepEqual(kindsOf(await eventsAfter(seq)), ['serves-not'])
    assert.equal(await stateOf(slug), 'recalled: recalled by admin')
  })

  it('takes the address that the request came from when it names none', async () => {
    const slug = await portal.bundle(portal.adminToken)
    const { infohash } = await portal.release(portal.adminToken, slug)
    await portal.complete([infohash], { host: undefined })
    const serves = (await portal.control(0)).events.find((event) => event.kind === 'serves')
    assert.match(serves?.kind === 'serves' ? serves.host : '', /^(127\.0\.0\.1|::1)$/)
  })
})
