import assert from 'node:assert/strict'
import { pick } from '../../src/core/random.ts'
import { SiteMap } from '../../src/core/site.ts'
import { hours, minutes, seconds } from '../../src/core/units.ts'
import { SLOTS_MAX } from '../../src/tracker/swarm-bridges.ts'
import { IntroductionWorld, ORIGIN, siteOfHost, type Client } from './introduction-world.ts'
import { ip, SWARM } from './support.ts'

const RUNS = Math.max(6, Math.ceil(Number(process.env['FUZZ_RUNS'] ?? 200) / 25))
const SITES = 12
const HOSTS = 8

/** Leechers, stock clients that call themselves seeds, and the origin hang together; so does some seed if there is one. */
function assertInOnePiece(swarm: IntroductionWorld, hasOrigin: boolean, when: string): void {
  const everybody = [...swarm.clients.values()]
  const mustReach = everybody.filter((client) => !client.isSeed || !client.isOurs)
  const [first] = mustReach
  if (first === undefined) return
  const reached = swarm.reachedFrom(first.host)
  for (const { host } of mustReach)
    assert.ok(reached.has(host), `${when}: ${first.host} has no way to ${host}`)
  if (hasOrigin) assert.ok(reached.has(ORIGIN), `${when}: no way to the origin`)
  const seeds = everybody.filter((client) => client.isSeed)
  assert.ok(seeds.length === 0 || seeds.some(({ host }) => reached.has(host)), `${when}: no way to any seed`)
}

function assertOneLinkAPair(swarm: IntroductionWorld, when: string): void {
  for (const [pair, count] of swarm.stockLinks())
    assert.ok(count <= 1, `${when}: ${count} connections between the sites ${pair}`)
}

const crossSite = (client: Client): string[] =>
  client.told.filter((host) => host !== ORIGIN && siteOfHost(host) !== client.site).toSorted()

/** The client at `host`, a bridge with one link, and the other end of it. */
function joinedTo(swarm: IntroductionWorld, host: string): { bridge: Client; end: Client } {
  const bridge = swarm.clients.get(host)
  const [other = '', ...more] = bridge === undefined ? [] : crossSite(bridge)
  const end = swarm.clients.get(other)
  assert.ok(bridge !== undefined && end !== undefined && more.length === 0)
  return { bridge, end }
}

/** Any kind of client; stock ones ask for any number, ours for as many as they ever do. */
function anyKind(swarm: IntroductionWorld, kinds: 'stock' | 'mixed'): Partial<Client> {
  const isOurs = kinds === 'mixed' && swarm.random() < 0.5
  const isSeed = swarm.random() < 0.15
  const numWant = pick(isOurs ? [50, 100, undefined] : [1, 2, 3, 5, 20, 50, 100, undefined], swarm.random)
  return { isOurs, isSeed, numWant }
}

describe('Introductions', function () {
  this.timeout(120_000)

  for (const kinds of ['stock', 'mixed'] as const)
    for (const hasOrigin of [true, false]) {
      const title = `${kinds} clients ${hasOrigin ? 'with' : 'without'} an origin`

      it(`leave nobody without a way to all pieces as they arrive: ${title}`, async () => {
        for (let seed = 1; seed <= RUNS; seed++) {
          const swarm = await IntroductionWorld.open({ seed, hasOrigin })
          for (let i = 0; i < SITES * HOSTS; i++) {
            await swarm.arrive(Math.floor(swarm.random() * SITES), anyKind(swarm, kinds))
            const when = `seed ${seed}, arrival ${i}`
            assertInOnePiece(swarm, hasOrigin, when)
            assertOneLinkAPair(swarm, when)
          }
        }
      })

      it(`leave nobody without a way under churn, once each has announced again: ${title}`, async () => {
        for (let seed = 1; seed <= RUNS; seed++) {
          const swarm = await IntroductionWorld.open({ seed: 100 + seed, hasOrigin })
          for (let round = 0; round < 4; round++) {
            for (let i = 0; i < 60; i++) {
              const chance = swarm.random()
              const client = swarm.anyone()
              if (client === undefined || chance < 0.5)
                await swarm.arrive(Math.floor(swarm.random() * SITES), anyKind(swarm, kinds))
              else if (chance < 0.65) await swarm.stop(client)
              else if (chance < 0.75) swarm.vanish(client)
              else if (chance < 0.85) {
                client.isSeed = true
                await swarm.announce(client, 'completed')
              } else await swarm.pass(swarm.random() * seconds(90))
              assertOneLinkAPair(swarm, `seed ${seed}, round ${round}, step ${i}`)
            }
            // Until the last lease of those who vanished is over, and everybody came after that.
            await swarm.pass(hours(2))
            const when = `seed ${seed}, round ${round}`
            assertInOnePiece(swarm, hasOrigin, when)
            assertOneLinkAPair(swarm, when)
          }
        }
      })
    }

  it('repeat themselves at other sites while nobody comes or goes', async () => {
    const swarm = await IntroductionWorld.open({ seed: 5 })
    for (let i = 0; i < SITES * HOSTS; i++) await swarm.arrive(i % SITES)
    const links = swarm.stockLinks()
    assert.equal(links.size, (SITES * (SITES - 1)) / 2)
    await swarm.pass(hours(1))
    const before = new Map([...swarm.clients.values()].map((client) => [client.host, crossSite(client)]))
    await swarm.pass(hours(5))
    for (const client of swarm.clients.values()) assert.deepEqual(crossSite(client), before.get(client.host))
    assert.deepEqual(swarm.stockLinks(), links)
    const bridges = [...before.values()].filter((hosts) => hosts.length > 0).length
    assert.ok(bridges <= 2 * SITES, `${bridges} machines are told of other sites`)
  })

  it('join all other sites to one bridge of a site, and to the other when that one stops', async () => {
    const swarm = await IntroductionWorld.open({ seed: 6 })
    const bridges = [await swarm.arrive(1), await swarm.arrive(1)]
    for (let site = 2; site < 10; site++) await swarm.arrive(site)
    for (const bridge of bridges) await swarm.announce(bridge)
    const [standIn, hub] = bridges.toSorted((a, b) => crossSite(a).length - crossSite(b).length)
    assert.ok(hub !== undefined && standIn !== undefined)
    assert.deepEqual([crossSite(hub).length, crossSite(standIn).length], [8, 0])
    await swarm.stop(hub)
    await swarm.announce(standIn)
    assert.equal(crossSite(standIn).length, 8)
  })

  it('leave the ways to other sites to ours, where a site has one, and tell ours of ours', async () => {
    const swarm = await IntroductionWorld.open({ seed: 7, hasOrigin: true })
    for (const site of [1, 1, 2, 2, 3]) await swarm.arrive(site)
    const first = await swarm.arrive(1, { isOurs: true })
    assert.ok(crossSite(first).length > 0, 'nobody else is there')
    const second = await swarm.arrive(2, { isOurs: true })
    assert.deepEqual(
      crossSite(second).filter((host) => siteOfHost(host) === 1),
      [first.host],
    )
    for (const client of swarm.clients.values()) await swarm.announce(client)
    for (const client of swarm.clients.values())
      if (!client.isOurs && client.site !== 3) assert.deepEqual(crossSite(client), [], client.host)
    await swarm.stop(first)
    for (const client of swarm.clients.values()) await swarm.announce(client)
    const ways = [...swarm.clients.values()]
      .filter(({ site, isOurs }) => site === 1 && !isOurs)
      .flatMap(crossSite)
    assert.ok(ways.length > 0, 'theirs again')
  })

  describe('of a stock client', () => {
    let swarm: IntroductionWorld
    beforeEach(async () => {
      swarm = await IntroductionWorld.open({ hasOrigin: true })
    })

    it('name the origin whatever the limit, and it alone to those who want one peer', async () => {
      for (const site of [1, 1, 1, 2, 2])
        assert.deepEqual((await swarm.arrive(site, { numWant: 1 })).told, [ORIGIN])
    })

    it('name nobody of another site to who is no bridge', async () => {
      for (const site of [1, 1, 2, 2]) await swarm.arrive(site)
      assert.deepEqual(crossSite(await swarm.arrive(1)), [])
      assert.deepEqual(crossSite(await swarm.arrive(2)), [])
    })

    it('give the place of a bridge that stopped, and its links, to who announces next', async () => {
      for (const site of [1, 1, 2]) await swarm.arrive(site)
      const other = await swarm.arrive(1)
      const { end: a, bridge: b } = joinedTo(swarm, '10.2.0.1')
      await swarm.stop(a)
      assert.equal(crossSite(other).length, 0)
      await swarm.announce(other)
      assert.deepEqual(crossSite(other), [b.host])
    })

    it('give the place of a bridge that fell silent to who announces when it is overdue', async () => {
      for (const site of [1, 1, 2]) await swarm.arrive(site)
      const other = await swarm.arrive(1)
      const { end: a, bridge: b } = joinedTo(swarm, '10.2.0.1')
      swarm.vanish(a)
      swarm.world.portal.clock.advance(minutes(5))
      for (const client of swarm.clients.values()) if (client !== other) await swarm.announce(client)
      swarm.world.portal.clock.advance(minutes(1))
      await swarm.announce(other)
      assert.deepEqual(crossSite(other), [], 'not overdue to the second')
      swarm.world.portal.clock.advance(seconds(1))
      await swarm.announce(other)
      assert.deepEqual(crossSite(other), [b.host])
    })

    it('say to come back within a minute at first, and in half an hour when the site is no longer new', async () => {
      const interval = () => swarm.lastReply?.intervalMs
      const first = await swarm.arrive(1)
      assert.equal(interval(), seconds(60))
      swarm.world.portal.clock.advance(minutes(9))
      await swarm.announce(first)
      assert.equal(interval(), seconds(60))
      swarm.world.portal.clock.advance(minutes(1))
      await swarm.announce(first)
      assert.equal(interval(), minutes(30))
      await swarm.arrive(1)
      assert.equal(interval(), seconds(60), 'who starts comes back soon anyway')
      await swarm.arrive(1, { isSeed: true })
      assert.equal(interval(), minutes(30), 'a seed waits for nobody')
    })

    it('last for two long intervals, however soon it was asked back', async () => {
      const first = await swarm.arrive(1)
      swarm.world.portal.clock.advance(minutes(60))
      const second = await swarm.arrive(1)
      assert.ok(second.told.includes(first.host))
    })
  })

  it('are counted when they cross from site to site, and peers are counted by site', async () => {
    const swarm = await IntroductionWorld.open({ hasOrigin: true })
    for (const site of [1, 1, 1, 2]) await swarm.arrive(site)
    assert.equal(swarm.world.core.stats().crossSiteIntroductions, 1)
    await swarm.arrive(3, { isOurs: true, numWant: 100 })
    assert.equal(swarm.world.core.stats().crossSiteIntroductions, 5)
    assert.deepEqual(swarm.world.core.peersBySite(), [
      { site: '10.1.0.0/24', peers: 3 },
      { site: '10.2.0.0/24', peers: 1 },
      { site: '10.3.0.0/24', peers: 1 },
    ])
  })

  it('keep a swarm of more sites than have a slot in one piece, and no bridge knows them all', async () => {
    const swarm = await IntroductionWorld.open({ seed: 9 })
    const sites = 3 * SLOTS_MAX
    for (let i = 0; i < 2 * sites; i++) {
      await swarm.arrive(i % sites)
      assertInOnePiece(swarm, false, `arrival ${i}`)
    }
    for (const client of [...swarm.clients.values()].filter(({ site }) => site % 2 === 0))
      await swarm.stop(client)
    await swarm.pass(hours(2))
    assertInOnePiece(swarm, false, 'after half of the sites left')
    // One more where the other site got its second bridge after it was joined.
    for (const [pair, count] of swarm.stockLinks())
      assert.ok(count <= 2, `${count} between the sites ${pair}`)
    for (const client of swarm.clients.values()) assert.ok(crossSite(client).length < SLOTS_MAX)
  })

  describe('under a map of sites', () => {
    const cidrs = (site: number): string[] => [`10.${site}.0.0/16`]

    it('are none, but for the origin, where peering is off', async () => {
      const map = new SiteMap([{ name: 'vpn', cidrs: cidrs(1), peering: 'off' }])
      for (const isOurs of [false, true]) {
        const swarm = await IntroductionWorld.open({ hasOrigin: true, sites: () => map })
        for (const site of [2, 1, 1, 1]) await swarm.arrive(site, { isOurs })
        for (const { site, told } of swarm.clients.values()) if (site === 1) assert.deepEqual(told, [ORIGIN])
        assert.match(swarm.lastReply?.warning ?? '', /VPN.*servers only/)
        assert.equal(swarm.lastReply?.site?.peering, isOurs ? 'off' : undefined)
        for (const host of [2, 3])
          for (const whose of [false, true])
            assert.ok(
              !(await swarm.arrive(host, { isOurs: whose })).told.some((told) => siteOfHost(told) === 1),
            )
        assert.equal(swarm.lastReply?.warning, undefined)
      }
    })

    it('tell our own clients by how many the budget of their site is shared, and nobody else', async () => {
      const map = new SiteMap([
        { name: 'oslo', cidrs: cidrs(1), wanBytesPerSecond: 1_000_000 },
        { name: 'lyon', cidrs: cidrs(2) },
      ])
      const swarm = await IntroductionWorld.open({ sites: () => map })
      const toldTo = async (site: number, isOurs: boolean): Promise<number | undefined> => {
        await swarm.arrive(site, { isOurs, isSeed: isOurs })
        return swarm.lastReply?.sitePeers
      }
      assert.deepEqual(
        [await toldTo(1, true), await toldTo(1, false), await toldTo(2, true)],
        [1, undefined, undefined],
      )
      assert.equal(await toldTo(1, true), 3)
    })

    it('stay within the site where the WAN is closed, in both directions', async () => {
      const map = new SiteMap([{ name: 'cabin', cidrs: cidrs(1), wanBytesPerSecond: 0 }])
      for (const isOurs of [false, true]) {
        const swarm = await IntroductionWorld.open({ hasOrigin: true, sites: () => map })
        for (const site of [2, 1, 1, 2, 1]) await swarm.arrive(site, { isOurs })
        for (const client of swarm.clients.values()) assert.deepEqual(crossSite(client), [])
        assert.deepEqual(swarm.clients.get('10.1.0.3')?.told.toSorted(), ['10.1.0.1', '10.1.0.2', ORIGIN])
      }
    })

    it('lead from open site to open site, however many closed ones there are', async () => {
      const map = new SiteMap(
        [1, 2].map((site) => ({ name: `s${site}`, cidrs: cidrs(site) })),
        { peering: 'off' },
      )
      const swarm = await IntroductionWorld.open({ sites: () => map })
      for (let site = 3; site < 60; site++) await swarm.arrive(site)
      await swarm.arrive(1, { isOurs: true, numWant: 20 })
      const ours = await swarm.arrive(2, { isOurs: true, numWant: 20 })
      assert.deepEqual(ours.told, ['10.1.0.1'])
      assert.deepEqual((await swarm.arrive(2)).told, ['10.2.0.1', '10.1.0.1'])
    })

    it('are made anew when the operator draws another', async () => {
      let map = new SiteMap([])
      const swarm = await IntroductionWorld.open({ sites: () => map })
      for (const site of [1, 1, 1, 2, 2, 2]) await swarm.arrive(site)
      map = new SiteMap([1, 2].map((site) => ({ name: `s${site}`, cidrs: cidrs(site) })))
      swarm.world.core.resite(map)
      const late = await swarm.arrive(2)
      assert.equal(crossSite(late).length, 1, 'although nobody of site 1 has announced since')
      assert.equal(swarm.world.core.isBridge(SWARM, ip(late.host)), true)
    })
  })
})
