import assert from 'node:assert/strict'
import { type IpAddress, ipAddress } from '../../../src/core/address.ts'
import { peerIdOfBytes } from '../../../src/core/ids.ts'
import { type Site, SiteMap } from '../../../src/core/site.ts'
import {
  bytesPerSecond,
  epochMillis,
  KiB,
  type Millis,
  millis,
  minutes,
  seconds,
} from '../../../src/core/units.ts'
import type { EngineOptions, TorrentHandle } from '../../../src/swarm/index.ts'
import type { FetchAnnounce } from '../../../src/swarm/tracker-http.ts'
import { type AnnounceReply, encodeAnnounceReply } from '../../../src/wire/announce-reply.ts'
import { parseRateSchedule } from '../../../src/wire/rate-schedule.ts'
import { makeTorrent, type SimulatedPeer, SimulatedSwarm } from '../../support/simulated-swarm.ts'

const MB = 1_000_000
const rate = (n: number) => bytesPerSecond(n)
const received = (handle: TorrentHandle): number => handle.stats().receivedBytes

/** The most and the least that moves in any ten seconds of `time`, as a rate. */
async function tenSeconds(
  swarm: SimulatedSwarm,
  moved: () => number,
  time = seconds(15),
): Promise<{ readonly least: number; readonly most: number }> {
  const samples = [{ at: swarm.clock.now(), total: moved() }]
  const end = swarm.clock.now() + time
  while (swarm.clock.now() < end) {
    await swarm.run(millis(50)) // at least: the clock goes from timer to timer
    samples.push({ at: swarm.clock.now(), total: moved() })
  }
  const rates = samples.flatMap((from) => {
    const to = samples.find(({ at }) => at >= from.at + 10_000)
    return to === undefined ? [] : [rateBetween(from, to)]
  })
  return { least: Math.min(...rates), most: Math.max(...rates) }
}

interface Sample {
  readonly at: number
  readonly total: number
}

const rateBetween = (from: Sample, to: Sample): number =>
  (1_000 * (to.total - from.total)) / (to.at - from.at)

/** The rate over about `time`. */
async function rateOver(swarm: SimulatedSwarm, moved: () => number, time: Millis): Promise<number> {
  const from = { at: swarm.clock.now(), total: moved() }
  await swarm.run(time)
  return rateBetween(from, { at: swarm.clock.now(), total: moved() })
}

function assertHolds(measured: { readonly least: number; readonly most: number }, limit: number): void {
  const text = `${measured.least} to ${measured.most} at a limit of ${limit}`
  assert.ok(measured.most <= 1.05 * limit, text)
  assert.ok(measured.least >= 0.95 * limit, text)
}

describe('a rate limit', () => {
  const cases = [
    { limit: 64 * KiB, latency: 1, peers: 1, pieceLength: 32 * KiB },
    { limit: 200_000, latency: 200, peers: 8, pieceLength: 32 * KiB },
    { limit: 1 * MB, latency: 40, peers: 3, pieceLength: 16 * KiB },
    { limit: 3 * MB, latency: 1, peers: 2, pieceLength: 256 * KiB },
    { limit: 3 * MB, latency: 150, peers: 20, pieceLength: 64 * KiB },
  ]
  for (const { limit, latency, peers, pieceLength } of cases)
    it(`of ${limit} B/s down holds over any ten seconds, from ${peers} peers ${latency} ms away`, async () => {
      await using swarm = new SimulatedSwarm({ latency: millis(latency) })
      const made = makeTorrent(18 * limit, { pieceLength })
      const seeds = []
      for (let i = 0; i < peers; i++) seeds.push(await swarm.peer(`10.0.${i}.1`))
      for (const seed of seeds) seed.add(made, { mode: 'seed' })
      const peer = await swarm.peer('10.0.99.1', { limitDown: rate(limit) })
      const handle = peer.add(made, { mode: 'download', peers: seeds.map(({ endpoint }) => endpoint) })
      assert.ok(await swarm.until(() => received(handle) > 0, seconds(5)))
      await swarm.run(seconds(1))
      assertHolds(await tenSeconds(swarm, () => received(handle)), limit)
    }).timeout(60_000)

  for (const [limit, peers] of [
    [100_000, 4],
    [2 * MB, 12],
  ] as const)
    it(`of ${limit} B/s up holds over any ten seconds, to ${peers} peers, and each gets its share`, async () => {
      await using swarm = new SimulatedSwarm({ latency: millis(20) })
      const made = makeTorrent(8 * limit)
      const seed = await swarm.peer('10.0.0.1', { limitUp: rate(limit) })
      const served = seed.add(made, { mode: 'seed' })
      const handles: TorrentHandle[] = []
      for (let i = 0; i < peers; i++)
        handles.push(
          (await swarm.peer(`10.0.1.${i + 1}`, { limitUp: rate(1) })).add(made, {
            mode: 'download',
            peers: [seed.endpoint],
          }),
        )
      await swarm.run(seconds(3))
      assertHolds(await tenSeconds(swarm, () => served.stats().uploadedBytes), limit)
      if (peers > 8) return // more than are served at once
      const shares = handles.map(received)
      assert.ok(Math.min(...shares) > 0.7 * Math.max(...shares), shares.join(' '))
    }).timeout(60_000)

  it('of one release leaves the others as they are, and that of the process holds for all together', async () => {
    await using swarm = new SimulatedSwarm({ latency: millis(10) })
    const [slow, fast] = [makeTorrent(3 * MB, { seed: 3 }), makeTorrent(40 * MB, { seed: 4 })]
    const seed = await swarm.peer('10.0.0.1')
    for (const made of [slow, fast]) seed.add(made, { mode: 'seed' })
    const peer = await swarm.peer('10.0.1.1', { limitDown: rate(2 * MB) })
    const download = { mode: 'download', peers: [seed.endpoint] } as const
    const slowly = peer.add(slow, { ...download, statePath: 'a', limitDown: rate(100_000) })
    const quickly = peer.add(fast, { ...download, statePath: 'b' })
    await swarm.run(seconds(2))
    const from = { at: swarm.clock.now(), total: received(quickly) }
    const measured = await tenSeconds(swarm, () => received(slowly), seconds(12))
    assertHolds(measured, 100_000)
    const others = rateBetween(from, { at: swarm.clock.now(), total: received(quickly) })
    assert.ok(others > 0.93 * 1.9 * MB && others < 1.05 * 1.9 * MB, `${others}`)
  }).timeout(60_000)

  it('may be the same for each release that has none of its own', async () => {
    await using swarm = new SimulatedSwarm({ latency: millis(10) })
    const torrents = [makeTorrent(4 * MB, { seed: 3 }), makeTorrent(4 * MB, { seed: 4 })]
    const seed = await swarm.peer('10.0.0.1', { releaseLimitUp: rate(200_000) })
    const peer = await swarm.peer('10.0.1.1')
    const handles = torrents.map((made, i) => {
      seed.add(made, { mode: 'seed' })
      return peer.add(made, { mode: 'download', peers: [seed.endpoint], statePath: `${i}` })
    })
    await swarm.run(seconds(1))
    const both = (): number => handles.map(received).reduce((a, b) => a + b, 0)
    assertHolds(await tenSeconds(swarm, both, seconds(12)), 400_000)
    const [first = 0, second = 0] = handles.map(received)
    assert.ok(Math.abs(first - second) < 0.05 * first, `${first} and ${second}`)
  }).timeout(60_000)

  it('changes at its hour', async () => {
    await using swarm = new SimulatedSwarm({ latency: millis(10) })
    const made = makeTorrent(60 * MB)
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const utc = (epoch: number) => ({
      day: (Math.floor(epoch / 86_400_000) + 3) % 7,
      minute: Math.floor(epoch / 60_000) % 1_440,
    })
    // A Monday, half a minute before eight.
    swarm.clock.setEpoch(epochMillis(Date.parse('2026-11-23T07:59:30Z')))
    const peer = await swarm.peer('10.0.1.1', {
      limitDown: parseRateSchedule('1MB, mon-fri 8-8:01: 200kB, mon-fri 8:01-9: unlimited'),
      wallTime: utc,
    })
    const handle = peer.add(made, { mode: 'download', peers: [seed.endpoint] })
    await swarm.run(seconds(5))
    const early = await rateOver(swarm, () => received(handle), seconds(23))
    await swarm.until(() => swarm.clock.epoch() > Date.parse('2026-11-23T08:00:01Z'))
    const later = await rateOver(swarm, () => received(handle), seconds(57))
    assert.ok(Math.abs(early - 1 * MB) < 50_000, `${early}`)
    assert.ok(Math.abs(later - 200_000) < 10_000, `${later}`)
    assert.ok(await swarm.until(() => handle.stats().haveBytes === 60 * MB, seconds(8)), 'no limit any more')
  }).timeout(60_000)

  it('takes back what was asked for and not given, and counts what comes all the same', async () => {
    await using swarm = new SimulatedSwarm({ latency: millis(10) })
    const made = makeTorrent(24 * MB)
    // Chokes and unchokes its many peers in turn: requests are dropped, and asked of others.
    const seeds = [await swarm.peer('10.0.0.1'), await swarm.peer('10.0.2.1')]
    for (const seed of seeds) seed.add(made, { mode: 'seed' })
    for (let i = 0; i < 12; i++)
      (await swarm.peer(`10.0.3.${i + 1}`, { limitDown: rate(50_000) })).add(made, {
        mode: 'download',
        peers: seeds.map(({ endpoint }) => endpoint),
      })
    const peer = await swarm.peer('10.0.1.1', { limitDown: rate(500_000) })
    const handle = peer.add(made, { mode: 'download', peers: seeds.map(({ endpoint }) => endpoint) })
    assert.ok(await swarm.until(() => received(handle) > 0, minutes(2)))
    const { most } = await tenSeconds(swarm, () => received(handle), seconds(30))
    assert.ok(most <= 1.05 * 500_000, `${most}`)
  }).timeout(120_000)
})

describe('who is at the same site', () => {
  const sites = new SiteMap([
    { name: 'lyon', cidrs: ['10.1.0.0/16'] },
    { name: 'oslo', cidrs: ['10.2.0.0/16'] },
  ])

  /** From one at the site and one elsewhere: what each sends, bytes a second. */
  async function fetchFromBoth(
    options: Partial<EngineOptions>,
  ): Promise<{ readonly lan: number; readonly wan: number }> {
    await using swarm = new SimulatedSwarm({ latency: millis(5), rateBps: 8 * MB })
    const made = makeTorrent(60 * MB)
    const near = await swarm.peer('10.1.0.2')
    const far = await swarm.peer('10.2.0.2')
    for (const seed of [near, far]) seed.add(made, { mode: 'seed' })
    const siteOf = (host: IpAddress) => sites.siteOf(host)
    const peer = await swarm.peer('10.1.7.1', { siteOf, ...options })
    const handle = peer.add(made, { mode: 'download', peers: [near.endpoint, far.endpoint] })
    await swarm.run(seconds(1))
    const from = (address: string): number =>
      handle.peers().find(({ remote }) => remote.host === address)?.receivedBytes ?? 0
    const far0 = { at: swarm.clock.now(), total: from('10.2.0.2') }
    const lan = await rateOver(swarm, () => from('10.1.0.2'), seconds(4))
    const wan = rateBetween(far0, { at: swarm.clock.now(), total: from('10.2.0.2') })
    return { lan, wan }
  }

  it('is under no limit, and waits for nobody who is', async () => {
    const free = await fetchFromBoth({})
    const limited = await fetchFromBoth({ limitDown: rate(200_000), isLanExempt: true })
    assert.ok(limited.lan > 0.95 * free.lan, `${limited.lan} from next door, ${free.lan} without limits`)
    assert.ok(Math.abs(limited.wan - 200_000) < 20_000, `${limited.wan} from the other site`)
  }).timeout(60_000)

  it('is under the limits like others unless it is exempt', async () => {
    await using swarm = new SimulatedSwarm({ latency: millis(5) })
    const made = makeTorrent(8 * MB)
    const seed = await swarm.peer('10.1.0.2')
    seed.add(made, { mode: 'seed' })
    const siteOf = (host: IpAddress) => sites.siteOf(host)
    const peer = await swarm.peer('10.1.7.1', { limitDown: rate(500_000), siteOf })
    const handle = peer.add(made, { mode: 'download', peers: [seed.endpoint] })
    await swarm.run(seconds(1))
    assertHolds(await tenSeconds(swarm, () => received(handle), seconds(11)), 500_000)
  }).timeout(60_000)
})

describe('the budget of a site', () => {
  const budget = 400_000
  const sites = new SiteMap([
    { name: 'lyon', cidrs: ['10.1.0.0/16'], wanBytesPerSecond: budget },
    { name: 'oslo', cidrs: ['10.2.0.0/16'] },
    { name: 'hq', cidrs: ['10.9.0.0/16'] },
  ])
  const siteOf = (host: IpAddress) => sites.siteOf(host)

  it('holds for all that an origin sends there, whoever they are, and for nobody else', async () => {
    await using swarm = new SimulatedSwarm({ latency: millis(10) })
    const made = makeTorrent(20 * MB)
    const origin = await swarm.peer('10.9.0.1', { siteOf })
    origin.add(made, { mode: 'seed' })
    const limited: TorrentHandle[] = []
    for (let i = 0; i < 4; i++)
      limited.push(
        (await swarm.peer(`10.1.0.${i + 1}`)).add(made, { mode: 'download', peers: [origin.endpoint] }),
      )
    const free = await swarm.peer('10.2.0.1')
    const handle = free.add(made, { mode: 'download', peers: [origin.endpoint] })
    await swarm.run(seconds(1))
    const total = (): number => limited.map(received).reduce((a, b) => a + b, 0)
    assertHolds(await tenSeconds(swarm, total, seconds(12)), budget)
    assert.equal(handle.stats().haveBytes, 20 * MB)
  }).timeout(60_000)

  it('is shared by our own clients at the site, who together keep to it in both directions', async () => {
    await using swarm = new SimulatedSwarm({ latency: millis(10) })
    const made = makeTorrent(30 * MB)
    const other = makeTorrent(30 * MB, { seed: 9 })
    const lyon = sites.siteOf(ipAddress('10.1.0.1'))
    const abroad = await swarm.peer('10.2.0.1')
    const sent = abroad.add(made, { mode: 'seed' })
    const clients: SimulatedPeer[] = []
    const handles: TorrentHandle[] = []
    for (let i = 0; i < 4; i++) {
      const id = peerIdOfBytes(Buffer.from(`-SH0100-00000000000${i}`))
      const client = await swarm.peer(`10.1.${i}.1`, { peerId: id, fetchAnnounce: tellingSite(lyon) })
      // They know each other, as the tracker introduces who is at one site; the last one also serves another site.
      const peers = [abroad.endpoint, ...clients.map(({ endpoint }) => endpoint)]
      const announceUrls = () => [['http://tracker/announce']]
      handles.push(client.add(made, { mode: 'download', statePath: 'a', peers, announceUrls }))
      clients.push(client)
    }
    const [last] = clients.slice(-1)
    assert.ok(last !== undefined)
    last.add(other, { mode: 'seed', announceUrls: () => [['http://tracker/announce']] })
    const far = await swarm.peer('10.2.0.2')
    const taking = far.add(other, { mode: 'download', peers: [last.endpoint] })
    await swarm.run(seconds(5))
    const crossed = (): number => sent.stats().uploadedBytes + received(taking)
    assertHolds(await tenSeconds(swarm, crossed, seconds(15)), budget)
    const mine = handles.map(received)
    assert.ok(Math.min(...mine) > 3 * budget, `${mine.join(' ')}: among themselves they are under no limit`)
  }).timeout(60_000)

  it('is shared by seeds at the site, who do not know of each other, by the count of the tracker', async () => {
    await using swarm = new SimulatedSwarm({ latency: millis(10) })
    const made = makeTorrent(20 * MB)
    const lyon = sites.siteOf(ipAddress('10.1.0.1'))
    const seeds: SimulatedPeer[] = []
    for (let i = 0; i < 4; i++) {
      const seed = await swarm.peer(`10.1.${i}.1`, { fetchAnnounce: tellingSite(lyon, 4) })
      seed.add(made, { mode: 'seed', announceUrls: () => [['http://tracker/announce']] })
      seeds.push(seed)
    }
    await swarm.run(millis(100)) // they have announced
    const far = await swarm.peer('10.2.0.2')
    const handle = far.add(made, { mode: 'download', peers: seeds.map(({ endpoint }) => endpoint) })
    assert.ok(await swarm.until(() => received(handle) > 0, seconds(5)))
    assert.ok(received(handle) < budget, 'it holds from the first second on')
    assertHolds(await tenSeconds(swarm, () => received(handle)), budget)
  }).timeout(60_000)
})

/** A tracker that names nobody and tells the site. */
const tellingSite =
  (site: Site, sitePeers = 1): FetchAnnounce =>
  () =>
    Promise.resolve(
      encodeAnnounceReply({ ...NOBODY_TOLD, site, sitePeers }, { compact: false, withFlags: true }),
    )

const NOBODY_TOLD: AnnounceReply = { intervalMs: minutes(1), complete: 1, incomplete: 4, peers: [] }
