/** Swarms of our own clients at several sites, simulated: each byte once over each link, and nobody starves. */
import assert from 'node:assert/strict'
import { seededRandom } from '../../src/core/random.ts'
import { bytesPerSecond, KiB, MiB, type Millis, millis, seconds } from '../../src/core/units.ts'
import { encodeExtensionHandshake } from '../../src/wire/extension.ts'
import { encodeFetch } from '../../src/wire/site-messages.ts'
import { Puppet } from '../support/puppet-peer.ts'
import { type SimulatedHost, SitesSwarm, type SitesOptions } from '../support/sites-swarm.ts'

const WAN_BPS = 2_500_000
const LAN_BPS = 12_500_000

const createSwarm = (
  hostsPerSite: readonly number[],
  mib: number,
  more: Partial<SitesOptions> = {},
): Promise<SitesSwarm> =>
  SitesSwarm.create({
    hostsPerSite,
    sizeBytes: mib * MiB,
    pieceLength: 32 * KiB,
    seed: 1,
    originBps: WAN_BPS,
    wanBps: () => WAN_BPS,
    lanBps: () => LAN_BPS,
    ...more,
  })

const haveBytes = (host: SimulatedHost): number => host.handle?.stats().haveBytes ?? 0
const boundOf = (mib: number): number => (mib * MiB * 1_000) / WAN_BPS

function assertAllWhole(swarm: SitesSwarm): void {
  assert.ok(swarm.figures().isComplete, JSON.stringify(swarm.figures()))
  for (const host of swarm.hosts) if (!host.isKilled) assert.ok(swarm.holdsAll(host), host.address)
}

describe('clients of ours at three sites of four', () => {
  it('finish in little more than the least time, each byte once over each link', async () => {
    await using swarm = await createSwarm([4, 4, 4], 24)
    await swarm.run(seconds(60))
    assertAllWhole(swarm)
    const figures = swarm.figures()
    const said = JSON.stringify(figures)
    assert.ok(figures.last <= 1.15, said)
    assert.ok(figures.originCopies <= 1.05, said)
    for (const copies of figures.wanCopies) assert.ok(copies <= 1.1, said)
  })

  it('also where the sites are a fifth of a second from each other', async () => {
    await using swarm = await createSwarm([4, 4, 4], 24, { wanLatency: millis(100) })
    await swarm.run(seconds(60))
    assertAllWhole(swarm)
    const figures = swarm.figures()
    assert.ok(figures.last <= 1.35, JSON.stringify(figures))
    for (const copies of figures.wanCopies) assert.ok(copies <= 1.1, JSON.stringify(figures))
  })

  it('also when half of them accept no connection', async () => {
    await using swarm = await createSwarm([4, 4, 4], 16, { accepts: (_site, host) => host % 2 === 0 })
    await swarm.run(seconds(60))
    assertAllWhole(swarm)
    const figures = swarm.figures()
    assert.ok(figures.last <= 1.35, JSON.stringify(figures))
    for (const copies of figures.wanCopies) assert.ok(copies <= 1.25, JSON.stringify(figures))
  })

  it('also when half of them are gone in the middle', async () => {
    await using swarm = await createSwarm([4, 4, 4], 16)
    const doomed = swarm.hosts.filter((_, i) => i % 2 === 0)
    await swarm.run(seconds(60), () => {
      for (const host of doomed) if (!host.isKilled && haveBytes(host) >= 8 * MiB) swarm.kill(host)
    })
    assertAllWhole(swarm)
    assert.equal(doomed.filter((host) => host.isKilled).length, 6)
    assert.ok(swarm.figures().last <= 1.5, JSON.stringify(swarm.figures()))
  })

  it('fetch from elsewhere what one of them with a bad line keeps them waiting for', async () => {
    // It was there long before the others, and has most of it when they come.
    const isBad = (site: number, host: number): boolean => site === 0 && host === 0
    const lanBps = (site: number, host: number): number => (isBad(site, host) ? LAN_BPS / 10 : LAN_BPS)
    const arrivesAt = (site: number, host: number): Millis => seconds(site === 0 && host > 0 ? 14 : 0)
    await using swarm = await createSwarm([6, 4], 24, { lanBps, arrivesAt })
    await swarm.run(seconds(60))
    assertAllWhole(swarm)
    const took = swarm.hosts
      .filter((host) => host.site === 0 && host.number > 0)
      .map((host) => (host.doneAt ?? NaN) - 14_000)
    // It was over twice that, as long as it counted as having what it is slow to give.
    assert.ok(Math.max(...took) <= 1.5 * boundOf(24), JSON.stringify({ took, bound: boundOf(24) }))
  })

  it('find whom they can talk to within seconds, where those before it let nobody in', async () => {
    const closed = (_site: number, host: number): boolean => host === 3
    const arrivesAt = (_site: number, host: number): Millis => seconds(host === 3 ? 3 : 0)
    await using swarm = await createSwarm([4, 4], 24, { accepts: closed, arrivesAt })
    await swarm.run(seconds(60))
    assertAllWhole(swarm)
    const figures = swarm.figures()
    assert.ok(figures.last <= 1.35, JSON.stringify(figures))
    // It was two and more, as long as nobody asked the tracker again for a minute.
    for (const copies of figures.wanCopies) assert.ok(copies <= 1.35, JSON.stringify(figures))
  })

  it('complete from each other when the origin leaves after 1.05 copies', async () => {
    await using swarm = await createSwarm([4, 4, 4], 8)
    let isGone = false
    await swarm.run(seconds(120), () => {
      // What it has sent once may still be on its way: with every piece out at least once it may go.
      if (isGone || swarm.originOut.bytes < 1.0 * 8 * MiB || !swarm.isAllOut()) return
      assert.ok(swarm.originOut.bytes <= 1.05 * 8 * MiB, String(swarm.originOut.bytes))
      isGone = true
      swarm.killOrigin()
    })
    assert.ok(isGone)
    assertAllWhole(swarm)
  })

  it('go on while a site is cut off for a minute, and are one swarm again within half a minute', async () => {
    await using swarm = await createSwarm([4, 4, 4], 24)
    const links = [swarm.wanIn[0], swarm.wanOut[0]]
    swarm.clock.after(seconds(5), () => {
      for (const link of links) link?.setUp(false)
    })
    swarm.clock.after(seconds(65), () => {
      for (const link of links) link?.setUp(true)
    })
    await swarm.run(seconds(200))
    assertAllWhole(swarm)
    for (const host of swarm.hosts) {
      const doneAt = host.doneAt ?? Infinity
      if (host.site > 0) assert.ok(doneAt < 60_000, 'the others need no site that is cut off')
      else assert.ok(doneAt > 65_000 && doneAt < 95_000, String(doneAt))
    }
  })

  it('are not held up by a colleague who claims every piece and brings none', async () => {
    await using swarm = await createSwarm([4, 4], 8)
    const target = swarm.hosts[1]
    assert.ok(target !== undefined)
    await swarm.run(millis(50))
    const liar = await swarm.settled(
      Puppet.dial(swarm.network, target.endpoint, '10.0.1.66', {
        infoHash: swarm.made.torrent.infoHash,
        id: Buffer.from('-SH0100-liarliarliar').toString('hex'),
      }),
    )
    const ids = new Map([
      ['sh_hello', 22],
      ['sh_fetch', 23],
      ['sh_unfetch', 24],
    ])
    const handshake = encodeExtensionHandshake({ ids, listenPort: 7_000 })
    liar.say({ kind: 'have-none' }, { kind: 'extended', id: 0, payload: handshake })
    const lie = (): void => {
      for (let piece = 0; piece < 256; piece++)
        liar.say({ kind: 'extended', id: 23, payload: encodeFetch({ piece, lease: seconds(2) }) })
    }
    const timer = swarm.clock.every(millis(500), lie)
    await swarm.run(seconds(60))
    timer.cancel()
    assertAllWhole(swarm)
    assert.ok((target.doneAt ?? Infinity) < 3 * boundOf(8), String(target.doneAt))
  })
})

describe('nobody starves', () => {
  it('where one site has a tenth of the bandwidth', async () => {
    await using swarm = await createSwarm([4, 4, 4], 24, {
      wanBps: (site) => (site === 2 ? WAN_BPS / 10 : WAN_BPS),
    })
    await swarm.run(seconds(200))
    assertAllWhole(swarm)
    const figures = swarm.figures()
    assert.ok(figures.last <= 1.35 && figures.worst <= 1.5, JSON.stringify(figures))
  })

  it('where one host is ten times slower', async () => {
    await using swarm = await createSwarm([4, 4, 4], 16, {
      lanBps: (site, host) => (site + host === 0 ? LAN_BPS / 10 : LAN_BPS),
    })
    await swarm.run(seconds(200))
    assertAllWhole(swarm)
    const figures = swarm.figures()
    assert.ok(figures.last <= 1.35 && figures.worst <= 1.5, JSON.stringify(figures))
  })

  it('at sites of one, two, four and eight, who come one after the other', async () => {
    const random = seededRandom(3)
    const arrivals = new Map<string, Millis>()
    const arrivesAt = (site: number, host: number): Millis => {
      const key = `${site}.${host}`
      const at = arrivals.get(key) ?? millis(random() * boundOf(24))
      arrivals.set(key, at)
      return at
    }
    await using swarm = await createSwarm([1, 2, 4, 8], 24, { arrivesAt })
    await swarm.run(seconds(200))
    assertAllWhole(swarm)
    const figures = swarm.figures()
    assert.ok(figures.last <= 1.35 && figures.worst <= 1.5, JSON.stringify(figures))
    for (const copies of figures.wanCopies) assert.ok(copies <= 1.25, JSON.stringify(figures))
  })

  it('whose only colleague with the content sends very little', async () => {
    await using swarm = await createSwarm([2], 8, {
      arrivesAt: (_site, host) => (host === 0 ? millis(0) : seconds(20)),
      limitUp: (_site, host) => (host === 0 ? bytesPerSecond(50_000) : undefined),
    })
    await swarm.run(seconds(200))
    assertAllWhole(swarm)
    // From the colleague alone it would have taken 168 s.
    assert.ok((swarm.hosts[1]?.doneAt ?? Infinity) < 45_000, String(swarm.hosts[1]?.doneAt))
  })

  it('among two hundred who come and go', async function () {
    this.timeout(180_000)
    const random = seededRandom(11)
    await using swarm = await createSwarm(
      Array.from({ length: 10 }, () => 20),
      2,
      { arrivesAt: () => millis(random() * 5_000), wanBps: () => WAN_BPS },
    )
    const doomed = swarm.hosts.filter(() => random() < 0.3)
    for (const host of doomed) swarm.clock.after(millis(random() * 6_000), () => swarm.kill(host))
    await swarm.run(seconds(60))
    assertAllWhole(swarm)
    for (const host of swarm.hosts) {
      if (host.isKilled) continue
      assert.ok((host.doneAt ?? Infinity) - host.arrivesAt < 20_000, host.address)
      assert.ok((host.handle?.peers().length ?? 0) <= 200)
    }
  })
})
