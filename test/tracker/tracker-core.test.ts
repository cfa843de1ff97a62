import assert from 'node:assert/strict'
import { seededRandom } from '../../src/core/random.ts'
import { SiteMap } from '../../src/core/site.ts'
import { minutes, seconds } from '../../src/core/units.ts'
import { readConfig } from '../../src/platform/config.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { ControlState } from '../../src/portal-client/index.ts'
import { composeCore } from '../../src/tracker/compose-core.ts'
import { trackerSettings } from '../../src/tracker/index.ts'
import type { AnnounceRequest } from '../../src/wire/announce.ts'
import { AdmissionWorld, refusalOf, replyOf } from './admission-world.ts'
import { altered, ip, SWARM, swarmPeer } from './support.ts'

const HOST = '10.0.0.1'
/** Of another site: without anybody to meet, a peer is asked to come back soon in any case. */
const ELSEWHERE = '10.9.0.1'
const NO_SITES = new SiteMap([])

describe('The core of the tracker', () => {
  it('counts announces by their outcome, whether the grant was known or had to be verified', async () => {
    const world = await AdmissionWorld.open()
    const { token } = await world.portal.grant()
    await world.announce({ grant: token })
    await world.announce({ grant: token })
    await world.announce({ grant: token, port: 22 })
    await world.announce({})
    await world.announce({ grant: altered(token) })
    const { announces, scrapes, outcomes } = world.core.stats()
    assert.deepEqual([announces, scrapes], [5, 0])
    assert.deepEqual(outcomes, { admitted: 2, 'port-refused': 1, 'grant-refused': 2 })
  })

  it('tells how many have all of a release, for as long as they say so', async () => {
    const world = await AdmissionWorld.open()
    const { token } = await world.portal.grant()
    await world.announce({ grant: token, leftBytes: 5 }, ELSEWHERE)
    assert.equal(world.core.seeds(SWARM), 0)
    await world.announce({ grant: token, leftBytes: 0 })
    assert.equal(world.core.seeds(SWARM), 1)
    await world.announce({ grant: token, leftBytes: 0, event: 'stopped' })
    assert.equal(world.core.seeds(SWARM), 0)
  })

  it('admits for other frontends as for its own: each kind is counted, and only announces have an outcome', async () => {
    const world = await AdmissionWorld.open()
    const { token } = await world.portal.grant()
    const question = { token, infoHash: SWARM, from: world.factsOf(HOST) }
    const admit = async (kind: 'announce' | 'scrape'): Promise<string> =>
      replyOf(await world.core.admit(kind, question, () => ({ reply: kind })))
    assert.equal(await admit('announce'), 'announce')
    assert.equal(await admit('scrape'), 'scrape')
    assert.equal(await admit('scrape'), 'scrape')
    const { announces, scrapes, outcomes } = world.core.stats()
    assert.deepEqual([announces, scrapes, outcomes], [1, 2, { admitted: 1 }])
  })

  it('lets a peer scrape its own swarm without a grant, from its own endpoint, once grants can be checked', async () => {
    const world = await AdmissionWorld.open()
    const { token } = await world.portal.grant()
    await world.announce({ grant: token, port: 5_000 }, HOST)
    const scrape = (port: number): ReturnType<typeof world.core.scrapeAsPeer> =>
      world.core.scrapeAsPeer([SWARM], world.factsOf(HOST), port)
    assert.equal(replyOf(scrape(5_000)).get(SWARM)?.incomplete, 1)
    assert.equal(refusalOf(scrape(5_001)), 'grant-refused')
    assert.equal(world.core.stats().scrapes, 2)
    const parts = {
      clock: world.portal.clock,
      random: seededRandom(1),
      log: silentLogger,
      sites: () => NO_SITES,
    }
    const early = composeCore({ ...parts, control: new ControlState() }, readConfig(trackerSettings, {}))
    assert.equal(refusalOf(early.core.scrapeAsPeer([SWARM], world.factsOf(HOST), 5_000)), 'not-ready')
  })

  it('puts everybody under the sites of a new map, and begins their bridges anew', async () => {
    const world = await AdmissionWorld.open()
    const { token } = await world.portal.grant()
    const hosts = ['10.0.0.1', '10.0.0.2', '10.0.0.3']
    for (const host of hosts) await world.announce({ grant: token }, host)
    assert.equal(world.core.isBridge(SWARM, ip('10.0.0.1')), true)
    world.core.resite(new SiteMap([{ name: 'oslo', cidrs: ['10.0.0.0/8'] }]))
    assert.deepEqual(
      hosts.map((host) => world.store.find(SWARM, { host: ip(host), port: 6_881 })?.site),
      ['oslo', 'oslo', 'oslo'],
    )
    assert.equal(world.core.isBridge(SWARM, ip('10.0.0.1')), false)
  })

  it('tells how many peers each site has, and how many introductions crossed from one to another', async () => {
    const sites = new SiteMap([
      { name: 'oslo', cidrs: ['10.0.0.0/16'] },
      { name: 'bergen', cidrs: ['10.1.0.0/16'] },
    ])
    const world = await AdmissionWorld.open({}, () => sites)
    const { token } = await world.portal.grant()
    for (const host of ['10.0.0.1', '10.1.0.1', '10.1.0.2'])
      await world.announce({ grant: token, isOurs: true }, host)
    assert.deepEqual(world.core.peersBySite(), [
      { site: 'bergen', peers: 2 },
      { site: 'oslo', peers: 1 },
    ])
    assert.equal(world.core.stats().crossSiteIntroductions, 2)
  })

  describe('does nothing more of itself once it is stopped, though it had begun', () => {
    const PEERS = 9_000
    const crowded = async (): Promise<AdmissionWorld> => {
      const world = await AdmissionWorld.open()
      const { claims } = await world.portal.grant()
      const grant = { claims, kid: 'gone', keyX: '' }
      for (let i = 0; i < PEERS; i++)
        world.store.put(SWARM, swarmPeer(`10.0.${i >> 8}.${i & 255}`, { grant }), minutes(1))
      return world
    }
    const assertStops = (world: AdmissionWorld, remaining: () => number): void => {
      world.core.stop()
      const left = remaining()
      assert.ok(left > 0 && left < PEERS, String(left))
      world.portal.clock.advance(seconds(10))
      assert.equal(remaining(), left)
    }

    it('to remove those of a recalled release', async () => {
      const world = await crowded()
      world.portal.tell({ kind: 'recalled', infohash: SWARM })
      assertStops(world, () => world.store.peerCount)
    })

    it('to put all under the sites of a new map', async () => {
      const world = await crowded()
      world.core.resite(new SiteMap([{ name: 'oslo', cidrs: ['10.0.0.0/8'] }]))
      assertStops(world, () => PEERS - (world.store.countBySite().get('oslo') ?? 0))
    })

    it('to free those whose time is over', async () => {
      const world = await crowded()
      world.portal.clock.advance(minutes(2))
      world.core.sweep()
      assertStops(world, () => world.store.peerCount)
    })
  })
})

describe('An announce', () => {
  it('of more ports than an address may have ends the lease of the one that gives way', async () => {
    const world = await AdmissionWorld.open({ peersPerAddressMax: '1' })
    const { token } = await world.portal.grant()
    for (const port of [5_000, 5_001]) await world.announce({ grant: token, port }, HOST)
    await world.announce({ grant: token, port: 5_001, event: 'stopped' }, HOST)
    assert.equal(world.known.find(SWARM, ip(HOST)), undefined)
  })

  it('comes again soon while its site is new or it has just started, unless it has everything', async () => {
    const world = await AdmissionWorld.open()
    const { token } = await world.portal.grant()
    const intervalOf = async (over: Partial<AnnounceRequest>): Promise<number> =>
      replyOf(await world.announce({ grant: token, ...over }, HOST)).intervalMs
    await world.announce({ grant: token, leftBytes: 0 }, ELSEWHERE)
    assert.equal(await intervalOf({ leftBytes: 0 }), minutes(30))
    assert.equal(await intervalOf({}), seconds(60))
    for (let i = 0; i < 11; i++) {
      world.portal.clock.advance(minutes(1))
      await intervalOf({})
    }
    assert.equal(await intervalOf({}), minutes(30))
    assert.equal(await intervalOf({ event: 'started' }), seconds(60))
    assert.equal(await intervalOf({ event: 'started', leftBytes: 0 }), minutes(30))
  })

  it('that stops makes the site new again when nobody of it is left', async () => {
    for (const event of ['stopped', undefined] as const) {
      const world = await AdmissionWorld.open()
      const { token } = await world.portal.grant()
      const announce = async (over: Partial<AnnounceRequest>): Promise<number> =>
        replyOf(await world.announce({ grant: token, ...over }, HOST)).intervalMs
      await world.announce({ grant: token, leftBytes: 0 }, ELSEWHERE)
      await announce({ event: 'started' })
      await announce({ ...(event !== undefined && { event }) })
      world.portal.clock.advance(minutes(11))
      assert.equal(await announce({}), event === 'stopped' ? seconds(60) : minutes(30))
    }
  })

  it('of our own client keeps to our interval, also at a site that is new', async () => {
    const world = await AdmissionWorld.open({ ownLeecherIntervalMs: '90000' })
    const { token } = await world.portal.grant()
    await world.announce({ grant: token, isOurs: true }, '10.0.0.9')
    const { intervalMs } = replyOf(
      await world.announce({ grant: token, isOurs: true, event: 'started' }, HOST),
    )
    assert.equal(intervalMs, seconds(90))
  })

  it('of our own client is missed sooner than a stock one’s: its seat goes to the next that comes', async () => {
    for (const isOurs of [true, false]) {
      const world = await AdmissionWorld.open()
      const { token } = await world.portal.grant()
      const announce = (host: string): Promise<unknown> => world.announce({ grant: token, isOurs }, host)
      await announce('10.0.0.1')
      await announce('10.0.0.2')
      world.portal.clock.advance(seconds(100))
      await announce('10.0.0.2')
      world.portal.clock.advance(seconds(60))
      await announce('10.0.0.3')
      assert.equal(world.core.isBridge(SWARM, ip('10.0.0.3')), isOurs)
    }
  })
})
