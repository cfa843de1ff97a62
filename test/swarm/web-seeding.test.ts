/** What a download asks of its web seeds, and what of its peers. */
import assert from 'node:assert/strict'
import { bytesPerSecond, KiB, millis, MiB, seconds } from '../../src/core/units.ts'
import type { AddTorrent, TorrentHandle } from '../../src/swarm/index.ts'
import { notNow, useless, WebSeedFailure } from '../../src/swarm/web-seed-failure.ts'
import type { FetchRange, RangeRequest } from '../../src/swarm/web-seed-request.ts'
import { limits } from '../../src/wire/limits.ts'
import {
  holdsAll,
  isComplete,
  makeTorrent,
  type MadeTorrent,
  type SimulatedPeer,
  SimulatedSwarm,
} from '../support/simulated-swarm.ts'

const BASE = 'http://p.example/w/GRANT/'
const SEED = { url: BASE, hosts: new Set(['p.example:80']) }
const SPEC = { mode: 'download', webSeeds: [SEED] } as const satisfies Partial<AddTorrent>
const FILES = { 'a b.bin': 100_000, 'empty.bin': 0, 'd/é.bin': 150_000, 'z.bin': 1 }

/** A web server in memory, with the content of one torrent. */
class WebServer {
  readonly asked: Omit<RangeRequest, 'take'>[] = []
  /** Under way, and the most there ever were. */
  now = 0
  most = 0
  /** Refuses when it gives something. */
  refuse: () => WebSeedFailure | undefined = () => undefined
  /** Makes of good bytes others. */
  spoil = (bytes: Uint8Array): Uint8Array => bytes
  delay = 0
  /** Between 10,000 bytes and the next, in ms. */
  pause = 0
  readonly #made: MadeTorrent
  readonly #swarm: SimulatedSwarm

  constructor(made: MadeTorrent, swarm: SimulatedSwarm) {
    this.#made = made
    this.#swarm = swarm
  }

  readonly fetchRange: FetchRange = async (request, signal) => {
    this.asked.push(request)
    this.most = Math.max(this.most, ++this.now)
    try {
      await new Promise<void>((resolve) => {
        this.#swarm.clock.after(millis(this.delay + 1), resolve)
      })
      const failure = this.refuse()
      if (failure !== undefined) throw failure
      const path = request.url.slice(BASE.length).split('/').map(decodeURIComponent).join('/')
      const file = this.#made.contents.get(path) ?? assert.fail(path)
      assert.equal(file.length, request.sizeBytes)
      const bytes = this.spoil(file.slice(request.from, request.end))
      for (let at = 0; at < bytes.length; at += 10_000) {
        if (this.pause > 0) await this.#wait(this.pause, signal)
        signal.throwIfAborted()
        await request.take(bytes.subarray(at, at + 10_000))
      }
    } finally {
      this.now--
    }
  }

  #wait(time: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      this.#swarm.clock.after(millis(time), resolve)
      signal.addEventListener('abort', () => {
        resolve()
      })
    })
  }
}

describe('a download with a web seed', () => {
  let swarm: SimulatedSwarm
  let web: WebServer
  let peer: SimulatedPeer
  const made = makeTorrent(FILES)

  async function start(content = made, options = {}): Promise<void> {
    swarm = new SimulatedSwarm()
    web = new WebServer(content, swarm)
    peer = await swarm.peer('10.0.0.2', { fetchRange: web.fetchRange, ...options })
  }
  afterEach(() => swarm[Symbol.asyncDispose]())

  /** The web seed has been asked, and gives next to nothing; now a peer is there that has it all. */
  async function besideDrips(
    spec: Partial<AddTorrent> & typeof SPEC,
  ): Promise<{ large: MadeTorrent; handle: TorrentHandle }> {
    const large = makeTorrent(4 * MiB, { seed: 9 })
    await start(large)
    web.pause = 20_000
    const handle = peer.add(large, spec)
    await swarm.run(seconds(15))
    const seed = await swarm.peer('10.0.0.1')
    seed.add(large, { mode: 'seed' })
    handle.addPeers([seed.endpoint])
    return { large, handle }
  }

  it('has every byte of it when there is no peer, after the time that peers are given', async () => {
    await start()
    const handle = peer.add(made, SPEC)
    await swarm.run(seconds(9))
    assert.deepEqual(web.asked, [])
    assert.ok(await swarm.until(() => isComplete(peer), seconds(5)))
    assert.ok(holdsAll(peer, made))
    const { fromWebSeeds, from, receivedBytes, wastedBytes, peers } = handle.stats()
    assert.deepEqual([fromWebSeeds, receivedBytes, wastedBytes], [250_001, 250_001, 0])
    assert.deepEqual([from, peers], [peers, { site: 0, otherSites: 0, origin: 0 }])
    assert.ok(web.asked.every(({ hosts }) => hosts === SEED.hosts))
  })

  it('asks it for nothing when a peer gives all, from the start or a little late', async () => {
    await start()
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    const handle = peer.add(made, SPEC)
    await swarm.run(seconds(5))
    handle.addPeers([seed.endpoint])
    assert.ok(await swarm.until(() => isComplete(peer), seconds(30)))
    assert.deepEqual(web.asked, [])
    assert.equal(handle.stats().fromWebSeeds, 0)
  })

  it('asks it for what no connected peer has, and for that only, while peers give', async () => {
    await start(made)
    const half = await swarm.peer('10.0.0.1', { limitUp: bytesPerSecond(6_000) })
    const name = made.torrent.metainfo.name
    const whole = await swarm.peer('10.0.0.9')
    whole.add(made, { mode: 'seed' })
    half.add(made, { mode: 'download', peers: [whole.endpoint], wants: (path) => path === `${name}/a b.bin` })
    assert.ok(await swarm.until(() => isComplete(half), seconds(30)))
    await whole.engine.get(made.torrent.infoHash)?.stop()
    const handle = peer.add(made, { ...SPEC, peers: [half.endpoint] })
    assert.ok(await swarm.until(() => isComplete(peer), seconds(60)))
    assert.ok(holdsAll(peer, made))
    // Three pieces of 32 KiB lie in the first file alone.
    assert.equal(handle.stats().fromWebSeeds, 250_001 - 3 * 32 * KiB)
    assert.equal(handle.stats().wastedBytes, 0)
  })

  it('takes over from a peer that leaves', async () => {
    const large = makeTorrent(8 * MiB, { seed: 9 })
    await start(large)
    const seed = await swarm.peer('10.0.0.1', { limitUp: bytesPerSecond(100_000) })
    seed.add(large, { mode: 'seed' })
    web.delay = 500
    const handle = peer.add(large, { ...SPEC, peers: [seed.endpoint] })
    await swarm.run(seconds(20))
    assert.deepEqual(web.asked, [])
    await seed.engine.get(large.torrent.infoHash)?.stop()
    assert.ok(await swarm.until(() => isComplete(peer), seconds(120)))
    assert.ok(holdsAll(peer, large))
    const { fromWebSeeds, from } = handle.stats()
    assert.ok(fromWebSeeds > 4 * MiB && from.otherSites + from.site > 1 * MiB)
  })

  it('has no more than two requests under way, each bounded, whatever a piece measures', async () => {
    const large = makeTorrent(40 * MiB, { pieceLength: 8 * MiB, seed: 3 })
    await start(large)
    peer.add(large, SPEC)
    assert.ok(await swarm.until(() => isComplete(peer), seconds(60)))
    assert.equal(web.most, limits.webSeedRequestsMax)
    assert.ok(web.asked.every(({ from, end }) => end - from <= limits.webSeedRequestBytesMax))
    assert.equal(web.asked.length, 10)
  })

  it('drops it after three pieces that failed their hash, says so, and passes nothing of them on', async () => {
    await start()
    web.spoil = (bytes) => bytes.map((byte, i) => (i === 0 ? byte ^ 1 : byte))
    const handle = peer.add(made, SPEC)
    await swarm.run(seconds(60))
    assert.deepEqual(
      peer.events.filter((event) => event.kind === 'web-seed-dropped'),
      [
        {
          kind: 'web-seed-dropped',
          origin: 'http://p.example',
          reason: 'sent pieces that failed their hash',
        },
      ],
    )
    const asked = web.asked.length
    await swarm.run(seconds(600))
    assert.equal(web.asked.length, asked)
    assert.ok(!isComplete(peer))
    assert.ok(handle.stats().hasFailedHashes >= limits.hashStrikesMax)
    const seed = await swarm.peer('10.0.0.1')
    seed.add(made, { mode: 'seed' })
    handle.addPeers([seed.endpoint])
    assert.ok(await swarm.until(() => isComplete(peer), seconds(60)))
    assert.ok(holdsAll(peer, made))
  })

  it('drops one that is of no use, and goes on with the next', async () => {
    await start()
    let refusals = 0
    web.refuse = () => (refusals++ === 0 ? useless('answers with status 403') : undefined)
    peer.add(made, { ...SPEC, webSeeds: [SEED, { ...SEED }] })
    assert.ok(await swarm.until(() => isComplete(peer), seconds(20)))
    assert.equal(peer.events.filter((event) => event.kind === 'web-seed-dropped').length, 1)
  })

  it('comes back to one that is busy when it says so, and after longer and longer when it does not', async () => {
    await start(makeTorrent(10_000, { seed: 4 }))
    const small = makeTorrent(10_000, { seed: 4 })
    const times: number[] = []
    web.refuse = () => {
      times.push(Math.round(swarm.clock.now() / 1_000))
      if (times.length === 1) return new WebSeedFailure('busy', { isFinal: false, retryIn: seconds(60) })
      return times.length < 5 ? notNow('broke off') : undefined
    }
    peer.add(small, SPEC)
    assert.ok(await swarm.until(() => isComplete(peer), seconds(600)))
    const waits = times.slice(1).map((time, i) => time - (times[i] ?? 0))
    assert.deepEqual(
      waits.map((wait) => Math.round(wait / 10)),
      [6, 2, 4, 8],
      times.join(' '),
    )
  })

  it('keeps to the limit of downloads', async () => {
    await start(made, { limitDown: bytesPerSecond(25_000) })
    peer.add(made, SPEC)
    await swarm.run(seconds(15))
    const got = peer.engine.get(made.torrent.infoHash)?.stats().receivedBytes ?? 0
    assert.ok(got > 50_000 && got < 140_000, String(got))
    assert.ok(await swarm.until(() => isComplete(peer), seconds(10)))
  })

  it('lets go of it when it is stopped, and takes up what is missing the next time', async () => {
    const large = makeTorrent(8 * MiB, { seed: 9 })
    await start(large, { limitDown: bytesPerSecond(200_000) })
    const handle = peer.add(large, SPEC)
    await swarm.run(seconds(20))
    assert.ok(web.now > 0)
    let isStopped = false
    void handle.stop().then(() => (isStopped = true))
    assert.ok(await swarm.until(() => isStopped, seconds(10)))
    assert.ok(await swarm.until(() => web.now === 0, seconds(1)))
    const before = handle.stats().fromWebSeeds
    const again = peer.add(large, SPEC)
    assert.ok(await swarm.until(() => isComplete(peer), seconds(120)))
    assert.ok(holdsAll(peer, large))
    assert.ok(before > 0 && again.stats().fromWebSeeds <= 8 * MiB - before)
  })

  describe('while somebody reads', () => {
    const large = makeTorrent(16 * MiB, { seed: 9 })
    const PIECE = 32 * KiB
    const READ = { ...SPEC, isRead: true } as const

    async function bytesRead(from: number, bytes: number): Promise<() => number> {
      const handle = peer.engine.get(large.torrent.infoHash) ?? assert.fail()
      let got = 0
      void (async () => {
        const range = { file: 0, start: from, end: from + bytes }
        for await (const chunk of handle.read(range, new AbortController().signal)) got += chunk.length
      })()
      await swarm.run(millis(1))
      return () => got
    }

    it('asks it at once, and where it is read', async () => {
      await start(large)
      peer.add(large, READ)
      await swarm.run(seconds(1))
      const got = await bytesRead(100 * PIECE, 10 * PIECE)
      assert.ok(await swarm.until(() => got() === 10 * PIECE, seconds(3)))
      assert.equal(web.asked[0]?.from, 100 * PIECE)
    })

    it('ends a request for something else when the reader goes elsewhere', async () => {
      await start(large)
      web.pause = 1_000
      peer.add(large, READ)
      await swarm.run(seconds(15))
      const before = web.asked.length
      assert.equal(web.now, limits.webSeedRequestsMax)
      const isAsked = (piece: number): boolean =>
        web.asked.some(({ from, end }) => from <= piece * PIECE && end > piece * PIECE)
      const place = Array.from({ length: 8 }, (_, i) => i * 64).find((piece) => !isAsked(piece))
      assert.ok(place !== undefined)
      await bytesRead(place * PIECE, PIECE)
      await swarm.run(seconds(3))
      assert.equal(web.asked[before]?.from, place * PIECE)
      assert.ok(web.most <= limits.webSeedRequestsMax)
    })

    it('lets peers have what it brings too late', async () => {
      const { handle } = await besideDrips(READ)
      await swarm.run(seconds(20))
      assert.ok(!isComplete(peer))
      let got = 0
      void (async () => {
        const range = { file: 0, start: 0, end: 4 * MiB }
        for await (const chunk of handle.read(range, new AbortController().signal)) got += chunk.length
      })()
      assert.ok(await swarm.until(() => got === 4 * MiB, seconds(10)))
    })
  })

  it('is not kept by a web seed that drips from what peers would give', async () => {
    const { large } = await besideDrips(SPEC)
    assert.ok(await swarm.until(() => isComplete(peer), limits.webSeedRequestTimeMax))
    assert.ok(holdsAll(peer, large))
  })
})
