import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { ipAddress } from '../../src/core/address.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { infoHash, peerId } from '../../src/core/ids.ts'
import { seededRandom } from '../../src/core/random.ts'
import { MiB, millis, minutes, seconds } from '../../src/core/units.ts'
import { Announcer, type AnnounceOutcome } from '../../src/swarm/announcer.ts'
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
) {
  const clock = new ManualClock()
  const asked: string[] = []
  const outcomes: AnnounceOutcome[] = []
  const fetch: FetchAnnounce = async (url, _from, signal) => {
    asked.push(url)
    return answer(url, asked.length, signal)
  }
  let isStarving = false
  const announcer = new Announcer(
    {
      clock,
      random: seededRandom(1),
      fetch,
      urls: () => [['http://tracker.test/announce?g=GRANT']],
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
      isStarving: () => isStarving,
      onOutcome: (outcome) => outcomes.push(outcome),
    },
    { from: undefined },
  )
  const turn = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))
  return {
    announcer,
    asked,
    outcomes,
    starve: () => (isStarving = true),
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

  it('tries again after 2, 4, 8 seconds when the tracker is away, and tells why', async () => {
    const { announcer, asked, outcomes, advance } = announcerWith(() =>
      Promise.reject(new ShoalError('unavailable', 'away')),
    )
    announcer.announce()
    for (let i = 0; i < 40; i++) await advance(1_000)
    assert.ok(asked.length >= 4 && asked.length <= 6, `${asked.length} announces`)
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
    for (const nonsense of ['l-3:e', 'd8:interval', '<html>', '']) {
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
