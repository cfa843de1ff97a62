/**
 * Promise 4: the tracker is killed while a thousand of our own clients are in swarms. Here on a clock that moves when
 * told; the long run also does it with processes and sockets (`bench/outage.ts`).
 */
import assert from 'node:assert/strict'
import { join } from 'node:path'
import { ShoalError } from '../../src/core/errors.ts'
import { bytesPerSecond, hours, KiB, type Millis, MiB, minutes, seconds } from '../../src/core/units.ts'
import type { FetchAnnounce } from '../../src/swarm/tracker-http.ts'
import { encodeAnnounceReply } from '../../src/wire/announce.ts'
import { isLongRun, recordFigures } from '../support/figures.ts'
import { run } from '../support/processes.ts'
import { isComplete, makeTorrent, SimulatedSwarm } from '../support/simulated-swarm.ts'
import { type Outage, OutageWorld } from './support/outage-world.ts'

const SOON = seconds(60)
const SOON_SHARE = 0.95
const ALL = seconds(120)
/** A tracker answers thousands; a herd would be all thousand within the first second or two. */
const PEAK_MAX = 120

interface Return {
  readonly backIn60sPercent: number
  readonly backIn120sPercent: number
  readonly lastBackSeconds: number
  readonly peakPerSecond: number
}

async function outage(world: OutageWorld, kind: Outage, time: Millis): Promise<Return> {
  await world.start()
  assert.equal(world.peersListed, world.torrents)
  world.takeAway(kind)
  await world.run(time)
  world.bringBack()
  const since = world.now
  await world.run(ALL)
  const back = [...world.backAt.values()].map((at) => at - since)
  const share = (within: Millis): number =>
    Math.round((1_000 * back.filter((at) => at <= within).length) / world.torrents) / 10
  const seconds_ = Map.groupBy(world.arrivals, (at) => Math.floor((at - since) / 1_000))
  await world.stop()
  return {
    backIn60sPercent: share(SOON),
    backIn120sPercent: share(ALL),
    lastBackSeconds: Math.max(...back) / 1_000,
    peakPerSecond: Math.max(...Array.from(seconds_.values(), (all) => all.length)),
  }
}

describe('A thousand torrents of our own clients whose tracker was away', function () {
  this.timeout(300_000)
  const downloads = { leechers: 700, seeds: 300, libraries: { count: 0, each: 0 } }
  const libraries = { leechers: 300, seeds: 200, libraries: { count: 20, each: 25 } }
  const cases: readonly (readonly [string, Outage, Millis, typeof downloads])[] = [
    ['10 s', 'refuses', seconds(10), downloads],
    ['10 s', 'hangs', seconds(10), downloads],
    ['5 min', 'refuses', minutes(5), downloads],
    ['5 min', 'hangs', minutes(5), downloads],
    ['5 min', 'refuses', minutes(5), libraries],
    ['10 s', 'hangs', seconds(10), libraries],
    ['1 h', 'refuses', hours(1), downloads],
    ['1 h', 'hangs', hours(1), downloads],
  ]
  for (const [text, kind, time, fleet] of cases) {
    const whose = fleet === downloads ? 'one a client' : 'half of them in libraries of 25'
    it(`are back within a minute, ${text} long, where it ${kind}, ${whose}`, async () => {
      const figures = await outage(await OutageWorld.open(fleet), kind, time)
      recordFigures(`tracker away for ${text}, ${kind}, ${whose}`, { torrents: 1_000, ...figures }, 4)
      assert.ok(figures.backIn60sPercent >= 100 * SOON_SHARE)
      assert.equal(figures.backIn120sPercent, 100)
      assert.ok(figures.peakPerSecond <= PEAK_MAX)
    })
  }
})

describe('A transfer whose tracker is killed', () => {
  /** When the last of ten completed, from a seed that gives 64 KiB a second. */
  async function timeOf(isKilled: boolean): Promise<number> {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(4 * MiB)
    const seed = await swarm.peer('10.0.0.1', { limitUp: bytesPerSecond(64 * KiB) })
    seed.add(made, { mode: 'seed' })
    const killedAt = isKilled ? seconds(10) : Infinity
    const fetchAnnounce: FetchAnnounce = () => {
      if (swarm.clock.now() >= killedAt) return Promise.reject(new ShoalError('unavailable', 'away'))
      const reply = { intervalMs: seconds(60), complete: 1, incomplete: 0 }
      const peers = [seed, ...peersOf].map(({ endpoint }) => endpoint)
      return Promise.resolve(encodeAnnounceReply({ ...reply, peers }, { compact: true, withFlags: true }))
    }
    const peersOf = await Promise.all(
      Array.from({ length: 10 }, (_, i) => swarm.peer(`10.0.0.${String(i + 2)}`, { fetchAnnounce })),
    )
    for (const peer of peersOf)
      peer.add(made, { mode: 'download', announceUrls: () => [['http://t/announce']] })
    assert.ok(await swarm.until(() => peersOf.every(isComplete), minutes(10)))
    return swarm.clock.now()
  }

  it('takes no longer than one whose tracker is not', async () => {
    const [whole, killed] = [await timeOf(false), await timeOf(true)]
    recordFigures('transfer while the tracker is killed', { wholeMs: whole, killedMs: killed }, 4)
    assert.ok(killed <= 1.05 * whole, `${killed} ms, and ${whole} with a tracker`)
  })
})

if (isLongRun)
  describe('A thousand clients with sockets of their own', function () {
    this.timeout(0)

    it('go on downloading when `shoal tracker` is killed, and are back within a minute of its return', async () => {
      const bench = join(import.meta.dirname, '../../bench/outage.ts')
      const { stdout, stderr } = await run({ argv: [process.execPath, bench] })
      const line = stdout.split('\n').find((text) => text.startsWith('{"bench"'))
      assert.ok(line !== undefined, stderr)
      const { bench: _, ...figures } = JSON.parse(line) as Record<string, number>
      recordFigures('tracker killed, a thousand engines', figures, 4)
      assert.ok((figures.backIn60sPercent ?? 0) >= 100 * SOON_SHARE)
      assert.equal(figures.backIn120sPercent, 100)
      assert.ok((figures.bytesPerSecondDuring ?? 0) > 0)
    })
  })
