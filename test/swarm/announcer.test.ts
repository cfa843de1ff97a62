import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { ipAddress } from '../../src/core/address.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { infoHash, peerId } from '../../src/core/ids.ts'
import { seededRandom } from '../../src/core/random.ts'
import { MiB, millis, minutes, seconds } from '../../src/core/units.ts'
import type { PeerNeed } from '../../src/swarm/announce-policy.ts'
import { Announcer, type AnnounceOutcome } from '../../src/swarm/announcer.ts'
import { Trackers } from '../../src/swarm/trackers.ts'
import { type FetchAnnounce, fetchAnnounce } from '../../src/swarm/tracker-http.ts'
import {
  type AnnounceReply,
  type AnnounceRequest,
  encodeAnnounceRefusal,
  encodeAnnounceReply,
  parseAnnounceQuery,
} from '../../src/wire/announce.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { isComplete, makeTorrent, SimulatedSwarm } from '../support/simulated-swarm.ts'

const form = { compact: true, withFlags: true }
const reply = (more: Partial<AnnounceReply> = {}): Uint8Array =>
  encodeAnnounceReply({ intervalMs: seconds(60), complete: 0, incomplete: 0, peers: [], ...more }, form)
const queryOf = (url: string): AnnounceRequest => parseAnnounceQuery(url.slice(url.indexOf('?') + 1))

function announcerWith(
  answer: (url: string, n: number, signal: AbortSignal) => Promise<Uint8Array> | Uint8Array,
  tiers: readonly (readonly string[])[] = [['http://tracker.test/announce?g=GRANT']],
) {
  const clock = new ManualClock()
  const trackers = new Trackers({ clock, random: seededRandom(2) })
  const asked: string[] = []
  const outcomes: AnnounceOutcome[] = []
  const fetch: FetchAnnounce = async (url, _from, signal) => {
    asked.push(url)
    return answer(url, asked.length, signal)
  }
  let need: PeerNeed = 'none'
  const announcer = new Announcer(
    {
      clock,
      random: seededRandom(1),
      fetch,
      trackers,
      urls: () => tiers,
      standing: () => ({
        infoHash: infoHash('11'.repeat(20)),
        peerId: peerId('22'.repeat(20)),
        port: 16_881,
        uploadedBytes: 1,
        downloadedBytes: 2,
        leftBytes: 3,
        numWant: 100,
        key: 'key',
        compact: true,
        isOurs: true,
      }),
      need: () => need,
      onOutcome: (outcome) => outcomes.push(outcome),
    },
    { from: undefined },
  )
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return {
    announcer,
    trackers,
    asked,
    outcomes,
    starve: () => (need = 'anybody'),
    advance: async (by: number): Promise<void> => {
      await turn()
      clock.advance(millis(by))
      await turn()
    },
  }
}

describe('the announcer', () => {
  it('says started, then nothing, then completed, then stopped', async () => {
    const { announcer, asked, advance } = announcerWith(() => reply())
    announcer.announce()
    await advance(60_000)
    announcer.complete()
    await advance(0)
    await announcer.stop()
    const events = asked.map((url) => queryOf(url).event)
    assert.deepEqual(events, ['started', undefined, 'completed', 'stopped'])
    const first = queryOf(asked[0] ?? '')
    assert.ok(first.isOurs)
    assert.deepEqual([first.port, first.leftBytes, first.grant, first.numWant], [16_881, 3, 'GRANT', 100])
  })

  it('says nothing of the end when nobody heard of the beginning', async () => {
    const { announcer, asked, advance } = announcerWith(() => Promise.reject(new Error('no')))
    announcer.announce()
    await advance(0)
    await announcer.stop()
    assert.equal(asked.length, 1)
  })

  it('takes its start back when it is stopped before the answer came', async () => {
    const { announcer, asked, advance } = announcerWith((_url, n, signal) =>
      n > 1
        ? reply()
        : new Promise((_resolve, reject) => {
            signal.addEventListener('abort', () => reject(new Error('aborted')))
          }),
    )
    announcer.announce()
    await advance(0)
    await announcer.stop()
    assert.deepEqual(
      asked.map((url) => queryOf(url).event),
      ['started', 'stopped'],
    )
  })

  it('tries again after up to 2, 4, 8 ... 30 seconds when the tracker is away, and tells why', async () => {
    const { announcer, asked, outcomes, advance } = announcerWith(() =>
      Promise.reject(new ShoalError('unavailable', 'away')),
    )
    announcer.announce()
    for (let i = 0; i < 40; i++) await advance(1_000)
    assert.ok(asked.length >= 4 && asked.length <= 7, `${asked.length} announces`)
    const before = asked.length
    for (let i = 0; i < 600; i++) await advance(1_000)
    assert.ok(asked.length - before >= 20 && asked.length - before <= 41, `${asked.length - before} in 600 s`)
    assert.deepEqual(outcomes[0]?.kind === 'unreachable' && outcomes[0].reason, 'away')
    assert.ok(asked.every((url) => queryOf(url).event === 'started'))
    await announcer.stop()
  })

  it('passes a refusal on in the words of the tracker, and heeds when to come again', async () => {
    const refusal = { reason: 'grant expired at 12:00, get a fresh link', retryInMs: minutes(5) }
    const { announcer, asked, outcomes, advance } = announcerWith(() => encodeAnnounceRefusal(refusal))
    announcer.announce()
    await advance(0)
    const [outcome] = outcomes
    assert.ok(outcome?.kind === 'refused')
    assert.equal(outcome.reason, refusal.reason)
    await advance(minutes(4.9))
    assert.equal(asked.length, 1)
    await advance(minutes(1))
    assert.equal(asked.length, 2)
    announcer.announce() // a renewed grant does not wait
    await advance(0)
    assert.equal(asked.length, 3)
    await announcer.stop()
  })

  it('asks every few seconds while it knows nobody', async () => {
    const { announcer, asked, starve, advance } = announcerWith(() => reply())
    starve()
    announcer.announce()
    for (let i = 0; i < 17; i++) await advance(1_000)
    assert.ok(asked.length >= 3, `${asked.length} announces`)
    await announcer.stop()
  })

  it('takes nonsense for a failure', async () => {
    const cut = Buffer.from(reply()).subarray(0, 30).toString('latin1')
    for (const nonsense of ['l-3:e', 'd8:interval', '<html>', '', cut]) {
      const { announcer, outcomes, advance } = announcerWith(() => Buffer.from(nonsense))
      announcer.announce()
      await advance(0)
      assert.equal(outcomes[0]?.kind, 'unreachable')
      await announcer.stop()
    }
  })

  it('gives up on a tracker that does not answer', async () => {
    const { announcer, outcomes, advance } = announcerWith(
      (_url, _n, signal) =>
        new Promise((_resolve, reject) => {
          signal.addEventListener('abort', () => reject(new Error('aborted')))
        }),
    )
    announcer.announce()
    await advance(14_000)
    assert.equal(outcomes.length, 0)
    await advance(2_000)
    const [outcome] = outcomes
    assert.equal(outcome?.kind === 'unreachable' && outcome.reason, 'the tracker did not answer in time')
    await announcer.stop()
  })
})

const A = 'http://a.test/announce?g=G'
const B = 'http://b.test/announce?g=G'
const C = 'http://c.test/announce?g=G'
const hostsOf = (asked: readonly string[]): string[] => asked.map((url) => new URL(url).host.slice(0, 1))

describe('the announcer of a torrent with several trackers', () => {
  it('asks the next tier only after all of the first have failed, and counts that as one failure', async () => {
    const { announcer, asked, outcomes, advance } = announcerWith(
      (url) => (url.startsWith(C) ? reply() : Promise.reject(new ShoalError('unavailable', 'away'))),
      [[A, B], [C]],
    )
    announcer.announce()
    await advance(0)
    assert.deepEqual(hostsOf(asked).slice(0, 2).toSorted(), ['a', 'b'])
    assert.deepEqual(hostsOf(asked).slice(2), ['c'])
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['reply'],
    )
    await announcer.stop()
  })

  it('waits 2 seconds and not 30 after the first round in which none of eight answered', async () => {
    const many = Array.from({ length: 8 }, (_, i) => `http://t${i}.test/announce`)
    const { announcer, asked, outcomes, advance } = announcerWith(
      () => Promise.reject(new ShoalError('unavailable', 'away')),
      [many],
    )
    announcer.announce()
    await advance(0)
    assert.equal(asked.length, 8)
    assert.equal(outcomes.length, 1)
    await advance(2_000)
    assert.equal(asked.length, 16)
    await announcer.stop()
  })

  it('goes on with the one that answered, in front of its tier', async () => {
    let good = B
    const { announcer, asked, advance } = announcerWith(
      (url) => (url.startsWith(good) ? reply() : Promise.reject(new ShoalError('unavailable', 'away'))),
      [[A, B, C]],
    )
    announcer.announce()
    await advance(0)
    for (let i = 0; i < 3; i++) await advance(60_000)
    assert.deepEqual(hostsOf(asked).slice(-3), ['b', 'b', 'b'])
    good = C
    await advance(60_000)
    await advance(60_000)
    assert.equal(hostsOf(asked).at(-1), 'c')
    await announcer.stop()
    assert.equal(hostsOf(asked).at(-1), 'c')
  })

  it('heeds the `retry in` of each, while it tries the others again and again', async () => {
    const refusal = encodeAnnounceRefusal({ reason: 'not here', retryInMs: minutes(10) })
    const { announcer, asked, outcomes, advance } = announcerWith(
      (url) => (url.startsWith(A) ? refusal : Promise.reject(new ShoalError('unavailable', 'away'))),
      [[A], [B]],
    )
    announcer.announce()
    for (let i = 0; i < 120; i++) await advance(1_000)
    const of = (host: string): number => hostsOf(asked).filter((h) => h === host).length
    assert.equal(of('a'), 1)
    assert.ok(of('b') >= 5, `${of('b')} announces to b`)
    assert.equal(outcomes[0]?.kind === 'refused' && outcomes[0].reason, 'not here')
    for (let i = 0; i < 60; i++) await advance(10_000)
    assert.equal(of('a'), 2)
    announcer.announce() // a renewed grant does not wait
    await advance(0)
    assert.equal(of('a'), 3)
    await announcer.stop()
  })
})

describe('the interval of a tracker', () => {
  const roundsIn = async (body: Uint8Array, time: number): Promise<number> => {
    const { announcer, asked, advance } = announcerWith(() => body)
    announcer.announce()
    for (let at = 0; at < time; at += 10_000) await advance(10_000)
    const rounds = asked.length
    await announcer.stop()
    return rounds
  }

  it('of 35 days is an hour', async () => {
    const rounds = await roundsIn(reply({ intervalMs: seconds(3_000_000) }), minutes(121))
    assert.equal(rounds, 3)
  })

  it('of a second is half a minute', async () => {
    const rounds = await roundsIn(reply({ intervalMs: seconds(1) }), minutes(10))
    assert.ok(rounds >= 20 && rounds <= 24, `${rounds} announces in ten minutes`)
  })
})

describe('a tracker that has begun anew', () => {
  it('is told again of every torrent by a client whose torrents were all to wait for half an hour', async () => {
    const clock = new ManualClock()
    const trackers = new Trackers({ clock, random: seededRandom(4) })
    let epoch = 1
    const heardAt = new Map<number, number>()
    const announcers = Array.from({ length: 200 }, (_, i) => {
      const port = 2_000 + i
      const fetch: FetchAnnounce = (url) => {
        heardAt.set(queryOf(url).port, clock.now())
        return Promise.resolve(reply({ intervalMs: minutes(30), epoch }))
      }
      return new Announcer(
        {
          clock,
          random: seededRandom(i),
          fetch,
          trackers,
          urls: () => [['http://tracker.test/announce']],
          standing: () => ({
            infoHash: infoHash(i.toString(16).padStart(40, '0')),
            peerId: peerId('22'.repeat(20)),
            port,
            uploadedBytes: 0,
            downloadedBytes: 0,
            leftBytes: 0,
            compact: true,
            isOurs: true,
          }),
          need: () => 'none',
          onOutcome: () => undefined,
        },
        { from: undefined },
      )
    })
    for (const announcer of announcers) announcer.announce()
    const run = async (time: number): Promise<void> => {
      for (let at = 0; at < time; at += 500) {
        clock.advance(millis(500))
        if (clock.now() % 1_000 === 0) trackers.tick()
        await new Promise((resolve) => setImmediate(resolve))
      }
    }
    await run(minutes(5))
    epoch = 2
    heardAt.clear()
    await run(seconds(66))
    assert.equal(heardAt.size, 200)
    const bySecond = Map.groupBy(heardAt.values(), (at) => Math.floor(at / 1_000))
    const peak = Math.max(...Array.from(bySecond.values(), (all) => all.length))
    assert.ok(peak <= 30, `${peak} announces in a second`)
    await Promise.all(announcers.map((announcer) => announcer.stop()))
  })
})

describe('a fetch from a tracker', () => {
  async function withServer(
    answer: (url: string) => { status?: number; body?: string | Uint8Array; location?: string },
    act: (base: string) => Promise<void>,
  ): Promise<void> {
    const server = createServer((req, res) => {
      const { status = 200, body = '', location } = answer(req.url ?? '')
      res.writeHead(status, location === undefined ? {} : { location })
      res.end(body)
    })
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
    const address = server.address()
    assert.ok(typeof address === 'object' && address !== null)
    try {
      await act(`http://127.0.0.1:${String(address.port)}`)
    } finally {
      server.closeAllConnections()
      await new Promise((resolve) => server.close(resolve))
    }
  }
  const never = new AbortController().signal
  const isShoalError = (error: unknown): boolean =>
    error instanceof ShoalError && !error.message.includes('SECRET')

  it('answers the body, asked from the address that was given', async () => {
    await withServer(
      () => ({ body: 'd8:intervali60ee' }),
      async (base) => {
        const body = await fetchAnnounce(`${base}/announce?g=SECRET`, ipAddress('127.0.0.7'), never)
        assert.equal(Buffer.from(body).toString(), 'd8:intervali60ee')
      },
    )
  })

  it('follows no redirect, reads no endless reply, and names no URL in its errors', async () => {
    await withServer(
      (url) =>
        url.startsWith('/moved') ? { status: 302, location: '/announce' } : { body: new Uint8Array(1 * MiB) },
      async (base) => {
        await assert.rejects(fetchAnnounce(`${base}/moved?g=SECRET`, undefined, never), isShoalError)
        await assert.rejects(fetchAnnounce(`${base}/announce?g=SECRET`, undefined, never), isShoalError)
      },
    )
    await assert.rejects(
      fetchAnnounce('http://127.0.0.1:1/announce?g=SECRET', undefined, never),
      isShoalError,
    )
    await assert.rejects(fetchAnnounce('http://[broken/announce?g=SECRET', undefined, never), isShoalError)
    await assert.rejects(fetchAnnounce('http://127.0.0.1:1/', undefined, AbortSignal.abort()), isShoalError)
  })
})

describe('an engine', () => {
  it('announces every torrent again within 45 s when it is told that trackers begin anew', async () => {
    await using swarm = new SimulatedSwarm()
    const asked: number[] = []
    const fetch: FetchAnnounce = () => {
      asked.push(swarm.clock.now())
      return Promise.resolve(reply({ intervalMs: minutes(30), minIntervalMs: minutes(30) }))
    }
    const peer = await swarm.peer('10.0.0.1', { fetchAnnounce: fetch })
    for (let seed = 1; seed <= 5; seed++)
      peer.add(makeTorrent(50_000, { seed }), { mode: 'seed', announceUrls: () => [['http://t/announce']] })
    await swarm.run(minutes(5))
    assert.equal(asked.length, 5)
    peer.engine.reannounce()
    await swarm.run(seconds(46))
    assert.equal(asked.length, 10)
  })
})

describe('peers that share a tracker', () => {
  it('find each other, know who is the origin, and see refusals', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(1 * MiB)
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const site = { name: 'lyon', cidrs: ['10.9.0.0/16'] }
    const peers = [{ ...seed.endpoint, flags: { isOrigin: true, isMirror: false, isOurs: true } }]
    const fetch: FetchAnnounce = (url) => {
      const { port, event, leftBytes } = queryOf(url)
      const isRefused = url.includes('g=BAD')
      if (event === 'started') assert.equal(leftBytes, 1 * MiB)
      assert.equal(port, 6_881)
      return Promise.resolve(
        isRefused ? encodeAnnounceRefusal({ reason: 'grant refused' }) : reply({ site, peers }),
      )
    }
    const peer = await swarm.peer('10.9.0.2', { fetchAnnounce: fetch })
    const handle = peer.add(made, { mode: 'download', announceUrls: () => [['http://t/announce?g=GOOD']] })
    assert.ok(await swarm.until(() => isComplete(peer), seconds(30)))
    assert.deepEqual(handle.stats().from, { site: 0, otherSites: 0, origin: 1 * MiB })
    const other = await swarm.peer('10.9.0.3', { fetchAnnounce: fetch })
    other.add(made, { mode: 'download', announceUrls: () => [['http://t/announce?g=BAD']] })
    assert.ok(await swarm.until(() => other.events.some((e) => e.kind === 'announce-refused'), seconds(5)))
    const refused = other.events.find((e) => e.kind === 'announce-refused')
    assert.equal(refused?.reason, 'grant refused')
  })
})
