import assert from 'node:assert/strict'
import { hours, millis, minutes, seconds } from '../../src/core/units.ts'
import { limits } from '../../src/wire/limits.ts'
import { refusals } from '../../src/tracker/refusals.ts'
import { AdmissionWorld, refusalOf, replyOf } from './admission-world.ts'
import { ip, OTHER_SWARM, randomPeerId, SWARM } from './support.ts'

describe('Admission', () => {
  let world: AdmissionWorld
  let grant: string
  beforeEach(async () => {
    world = await AdmissionWorld.open()
    grant = (await world.portal.grant()).token
  })

  describe('of an announce', () => {
    it('stores and tells nothing without a good grant for that swarm', async () => {
      assert.equal(refusalOf(await world.announce({})), 'grant-refused')
      assert.equal(refusalOf(await world.announce({ grant, infoHash: OTHER_SWARM })), 'other-release')
      assert.equal(world.store.peerCount, 0)
      assert.equal(refusalOf(await world.announce({ grant })), undefined)
      assert.equal(world.store.peerCount, 1)
    })

    it('takes ports from 1024 on, and addresses that others can dial', async () => {
      assert.equal(refusalOf(await world.announce({ grant, port: limits.peerPortMin - 1 })), 'port-refused')
      assert.equal(refusalOf(await world.announce({ grant, port: 22 }, '169.254.0.1')), 'address-refused')
      assert.equal(world.store.peerCount, 0)
      assert.equal(refusalOf(await world.announce({ grant, port: limits.peerPortMin })), undefined)
    })

    it('counts addresses of those who come, not of those who say that they leave', async () => {
      const { token, claims } = await world.portal.grant()
      world.portal.tell({
        kind: 'grant-peers',
        id: claims.id,
        peersMax: 1,
        until: world.portal.time(hours(24)),
      })
      assert.equal(refusalOf(await world.announce({ grant: token, event: 'stopped' }, '10.0.0.2')), undefined)
      assert.equal(refusalOf(await world.announce({ grant: token }, '10.0.0.3')), undefined)
      assert.equal(refusalOf(await world.announce({ grant: token, event: 'stopped' }, '10.0.0.4')), undefined)
      const many = await world.announce({ grant: token }, '10.0.0.4')
      assert.ok('refusal' in many && many.refusal.kind === 'too-many-addresses')
      assert.match(many.refusal.reason, /at 1 addresses.* at https:\/\/media\.example$/)
      assert.deepEqual(await world.listed(), ['10.0.0.3:6881'])
    })

    it('drops the port announced longest ago where an address has too many, and never one that stopped', async () => {
      const few = await AdmissionWorld.open({ peersPerAddressMax: '2' })
      const { token } = await few.portal.grant()
      for (const port of [5_001, 5_002]) await few.announce({ grant: token, port })
      await few.announce({ grant: token, port: 5_002, event: 'stopped' })
      await few.announce({ grant: token, port: 5_003 })
      assert.deepEqual(await few.listed(), ['10.0.0.1:5001', '10.0.0.1:5003'])
      await few.announce({ grant: token, port: 5_004 })
      assert.deepEqual(await few.listed(), ['10.0.0.1:5003', '10.0.0.1:5004'])
    })

    it('says that it is full, and goes on with those who are in', async () => {
      const small = await AdmissionWorld.open({ peersMax: '1' })
      const { token } = await small.portal.grant()
      assert.equal(refusalOf(await small.announce({ grant: token, port: 5_001 })), undefined)
      assert.equal(refusalOf(await small.announce({ grant: token, port: 5_002 })), 'full')
      assert.equal(refusalOf(await small.announce({ grant: token, port: 5_001 })), undefined)
    })

    it('remembers what the peer is, and forgets it when it stops', async () => {
      await world.announce({ grant, leftBytes: 0, isOurs: true })
      assert.deepEqual(world.store.counts(SWARM), { complete: 1, incomplete: 0, downloaded: 0 })
      await world.announce({ grant, leftBytes: 0, isOurs: true, event: 'completed' })
      assert.equal(world.store.counts(SWARM).downloaded, 1)
      const peer = world.store.find(SWARM, { host: ip('10.0.0.1'), port: 6_881 })
      assert.equal(peer?.isOurs, true)
      assert.equal(peer.isSeed, true)
      await world.announce({ grant, event: 'stopped' })
      assert.equal(world.store.peerCount, 0)
    })

    /** Own leecher, own seed and stock client, each with its interval of the settings. */
    const LEASES = [
      [{ isOurs: true, leftBytes: 1 }, seconds(60)],
      [{ isOurs: true, leftBytes: 0 }, minutes(10)],
      [{ isOurs: false, leftBytes: 0 }, minutes(20)],
    ] as const
    for (const [who, interval] of LEASES)
      it(`keeps ${JSON.stringify(who)} for two intervals of ${interval} ms and the slack`, async () => {
        const settings = { ownSeedIntervalMs: '600000', stockIntervalMs: '1200000', leaseSlackMs: '7000' }
        const timed = await AdmissionWorld.open(settings)
        const { token } = await timed.portal.grant()
        const reply = replyOf(await timed.announce({ grant: token, ...who }))
        if (who.isOurs && who.leftBytes === 0) assert.equal(reply.intervalMs, interval)
        timed.portal.clock.advance(millis(2 * interval + 7_000 - 1))
        assert.deepEqual(await timed.listed(), ['10.0.0.1:6881'])
        timed.portal.clock.advance(millis(1))
        assert.deepEqual(await timed.listed(), [])
      })

    it('keeps nobody for longer than the grant holds', async () => {
      const short = await world.portal.grant(SWARM, seconds(60))
      await world.announce({ grant: short.token })
      world.portal.clock.advance(millis(seconds(60) + limits.clockLeeway - 1))
      assert.deepEqual(await world.listed(), ['10.0.0.1:6881'])
      world.portal.clock.advance(millis(1))
      assert.equal(refusalOf(await world.announce({ grant: short.token })), undefined, 'at its very end')
      assert.deepEqual(await world.listed(), [])
    })
  })

  describe('of a scrape', () => {
    it('opens the swarm of the grant, and no other beside it', async () => {
      await world.announce({ grant, event: 'completed', leftBytes: 0 })
      const counts = replyOf(await world.scrape({ infoHashes: [SWARM], grant }))
      assert.deepEqual([...counts], [[SWARM, { complete: 1, incomplete: 0, downloaded: 1 }]])
      const refused = async (...infoHashes: (typeof SWARM)[]) =>
        refusalOf(await world.scrape({ infoHashes, grant }))
      assert.equal(await refused(SWARM, SWARM), undefined)
      assert.equal(await refused(SWARM, OTHER_SWARM), 'other-release')
      assert.equal(await refused(OTHER_SWARM), 'other-release')
      assert.equal(await refused(), 'bad-request')
      assert.equal(refusalOf(await world.scrape({ infoHashes: [SWARM] })), 'grant-refused')
    })
  })

  it('is counted: announces, scrapes, and each refusal by its kind', async () => {
    assert.deepEqual([world.core.stats().announces, world.core.stats().scrapes], [0, 0])
    await world.announce({ grant })
    for (let i = 0; i < 2; i++) await world.announce({})
    await world.announce({ grant, port: 1 })
    await world.scrape({ infoHashes: [] })
    const { announces, scrapes, refused, peers, swarms, verifiedGrants } = world.core.stats()
    assert.deepEqual([announces, scrapes, peers, swarms, verifiedGrants], [4, 1, 1, 1, 1])
    assert.deepEqual(refused, { 'grant-refused': 2, 'port-refused': 1, 'bad-request': 1 })
    assert.equal(world.core.refuse(refusals.addressUnknown), refusals.addressUnknown, 'a frontend’s own')
    assert.equal(world.core.stats().refused['address-refused'], 1)
  })

  it('of announces is counted by how each was answered, all of them together once', async () => {
    await world.announce({ grant })
    await world.announce({ grant })
    await world.announce({})
    await world.announce({ grant, port: 22 })
    await world.scrape({ infoHashes: [SWARM] })
    const { announces, outcomes } = world.core.stats()
    assert.deepEqual(outcomes, { admitted: 2, 'grant-refused': 1, 'port-refused': 1 })
    assert.equal(announces, 4)
  })

  it('ends for a peer with the news that its grant is withdrawn, also among harmless news', async () => {
    const other = await world.portal.grant()
    await world.announce({ grant: other.token }, '10.0.0.2')
    await world.announce({ grant })
    const until = world.portal.time(hours(24))
    const serves = { kind: 'serves', role: 'origin', host: ip('10.1.0.1'), port: 5_000 } as const
    world.portal.tell(
      { ...serves, peerId: randomPeerId(), infohashes: [] },
      { kind: 'grant-revoked', id: other.claims.id, until },
    )
    assert.deepEqual(await world.listed(), ['10.0.0.1:6881'])
  })

  it('walks no swarm for news that withdraws nothing', async () => {
    const peerId = randomPeerId()
    const { claims } = await world.portal.grant()
    const until = world.portal.time(hours(24))
    const before = world.store.walks
    world.portal.tell({
      kind: 'serves',
      role: 'origin',
      host: ip('10.1.0.1'),
      port: 5_000,
      peerId,
      infohashes: [SWARM],
    })
    world.portal.tell({ kind: 'serves-not', peerId, infohashes: [SWARM] })
    world.portal.tell({ kind: 'wanted', infohash: SWARM })
    world.portal.tell({ kind: 'grant-peers', id: claims.id, peersMax: 3, until })
    assert.equal(world.store.walks, before)
    world.portal.tell({ kind: 'grant-revoked', id: claims.id, until })
    assert.equal(world.store.walks, before + 1)
  })

  it('frees by a sweep the peers and the uses whose time ran out', async () => {
    await world.announce({ grant, isOurs: true })
    world.portal.clock.advance(hours(2))
    assert.deepEqual([world.uses.grantCount, world.store.peerCount], [1, 1])
    world.core.sweep()
    assert.deepEqual([world.uses.grantCount, world.store.peerCount], [0, 0])
  })
})
