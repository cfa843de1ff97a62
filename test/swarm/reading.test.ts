import assert from 'node:assert/strict'
import { type Endpoint, ipAddress } from '../../src/core/address.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { BLOCK_BYTES, PieceLayout } from '../../src/core/piece-layout.ts'
import { bytesPerSecond, KiB, MiB, millis, type Millis, minutes, seconds } from '../../src/core/units.ts'
import { type ReadNeed, urgentPieces } from '../../src/swarm/deadlines.ts'
import type { FileRange, TorrentHandle } from '../../src/swarm/index.ts'
import { encodeAnnounceReply } from '../../src/wire/announce.ts'
import {
  isComplete,
  type MadeTorrent,
  makeTorrent,
  type SimulatedPeer,
  SimulatedSwarm,
} from '../support/simulated-swarm.ts'
import { SlowSeed } from '../support/slow-seed.ts'

const never = new AbortController().signal
const PIECE = 32 * KiB
const ORIGIN: Endpoint = { host: ipAddress('10.0.0.1'), port: 6_881 }

const needOf = (at: number, more: Partial<ReadNeed> = {}): ReadNeed => ({
  at,
  end: 100 * MiB,
  rateBps: 250_000,
  waitingSince: undefined,
  ...more,
})

/** What a reader has got so far. */
class Reader {
  readonly chunks: Uint8Array[] = []
  error: unknown
  isOver = false
  readonly #aborter = new AbortController()

  constructor(handle: TorrentHandle, range: FileRange) {
    void this.#run(handle, range)
  }

  get bytes(): Buffer {
    return Buffer.concat(this.chunks)
  }

  abort(): void {
    this.#aborter.abort(new Error('enough'))
  }

  async #run(handle: TorrentHandle, range: FileRange): Promise<void> {
    try {
      for await (const chunk of handle.read(range, this.#aborter.signal)) this.chunks.push(chunk)
    } catch (error) {
      this.error = error
    }
    this.isOver = true
  }
}

const contentOf = (made: MadeTorrent): Buffer => Buffer.concat([...made.contents.values()])

const piecesIn = (made: MadeTorrent): Buffer[] =>
  Array.from({ length: contentOf(made).length / PIECE }, (_, i) =>
    contentOf(made).subarray(i * PIECE, (i + 1) * PIECE),
  )

async function playing(
  swarm: SimulatedSwarm,
  made: MadeTorrent,
  peers: readonly Endpoint[],
): Promise<TorrentHandle> {
  const player = await swarm.peer('10.0.0.2')
  return player.add(made, { mode: 'download', peers, isRead: true })
}

/** A seed on a slow line, and one who plays. */
async function world(
  swarm: SimulatedSwarm,
  made: MadeTorrent,
  options: { readonly limitUp?: number; readonly wants?: (path: string) => boolean } = {},
): Promise<{ seed: SimulatedPeer; player: SimulatedPeer; handle: TorrentHandle }> {
  const seed = await swarm.peer('10.0.0.1', { limitUp: bytesPerSecond(options.limitUp ?? 500_000) })
  seed.add(made, { mode: 'seed' })
  const player = await swarm.peer('10.0.0.2')
  const handle = player.add(made, {
    mode: 'download',
    peers: [seed.endpoint],
    isRead: true,
    ...(options.wants === undefined ? {} : { wants: options.wants }),
  })
  return { seed, player, handle }
}

describe('what is urgent', () => {
  const layout = new PieceLayout(100 * MiB, MiB)
  const now = seconds(100)
  const piecesOf = (needs: readonly ReadNeed[], at: Millis = now): number[] =>
    urgentPieces(needs, layout, at).map(({ piece }) => piece)

  it('is what a reader comes to next, each piece when it comes to it', () => {
    const plan = urgentPieces([needOf(2.5 * MiB)], layout, now)
    assert.deepEqual(plan.slice(0, 3), [
      { piece: 2, dueAt: now },
      { piece: 3, dueAt: now + (1_000 * 0.5 * MiB) / 250_000 },
      { piece: 4, dueAt: now + (1_000 * 1.5 * MiB) / 250_000 },
    ])
  })

  it('is half a minute of what it takes, within bounds', () => {
    assert.equal(piecesOf([needOf(0)]).length, Math.ceil((30 * 250_000) / MiB))
    assert.equal(piecesOf([needOf(0, { rateBps: 1e9 })]).length, 32)
    assert.equal(piecesOf([needOf(0, { rateBps: 1 })]).length, 1)
    assert.deepEqual(piecesOf([needOf(98 * MiB)]), [98, 99])
    assert.deepEqual(piecesOf([needOf(5 * MiB, { end: 5 * MiB + 1 })]), [5])
    assert.deepEqual(piecesOf([needOf(5 * MiB, { end: 5 * MiB })]), [])
  })

  it('of two readers is first what is due first, and each piece once', () => {
    const plan = piecesOf([needOf(0), needOf(50 * MiB)])
    assert.deepEqual(plan.slice(0, 4), [0, 50, 1, 51])
    assert.deepEqual(piecesOf([needOf(0), needOf(0)]), piecesOf([needOf(0)]))
  })

  it('of one that waits comes before that of one that has something to go on with', () => {
    const waits = needOf(50 * MiB, { waitingSince: seconds(92) })
    assert.deepEqual(piecesOf([needOf(0), waits]).slice(0, 4), [50, 51, 0, 52])
  })
})

describe('a reader', () => {
  it('gets the bytes of a file in order while it is fetched', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(2 * MiB)
    const { handle, player } = await world(swarm, made)
    const reader = new Reader(handle, { file: 0, start: 0, end: 2 * MiB })
    assert.ok(await swarm.until(() => reader.bytes.length > 0, seconds(1)), 'nothing came in a second')
    assert.ok(!player.events.some((event) => event.kind === 'complete'))
    assert.ok(await swarm.until(() => reader.isOver, seconds(20)))
    assert.ok(reader.bytes.equals(contentOf(made)))
  })

  it('that seeks gets its new place before anything else is asked for', async () => {
    await using swarm = new SimulatedSwarm({ latency: millis(10) })
    const made = makeTorrent(16 * MiB)
    const seed = new SlowSeed(swarm, { host: '10.0.0.1', made, blockTakes: millis(33) })
    const handle = await playing(swarm, made, [await seed.endpoint])
    await swarm.run(seconds(5)) // fetched like any download, queues and all
    const first = new Reader(handle, { file: 0, start: 0, end: 16 * MiB })
    await swarm.run(millis(300))
    assert.ok(seed.cancelled.length > 0, 'what was asked for before did not give way')
    await swarm.run(seconds(3))
    const [asked, at] = [seed.asked.length, 11 * MiB]
    first.abort()
    const second = new Reader(handle, { file: 0, start: at + 5, end: 16 * MiB })
    const took = await timeUntil(swarm, () => second.bytes.length > 0)
    const [place, next] = [at / PIECE, seed.asked.slice(asked, asked + 8)]
    assert.equal(next[0], place, next.join(' '))
    for (const piece of next) assert.ok(piece >= place && piece < place + 8, next.join(' '))
    assert.ok(took <= 8 * 33 + 50, `the first bytes of its new place came after ${took} ms`)
    assert.ok(await swarm.until(() => second.bytes.length >= MiB, seconds(10)))
    assert.ok(second.bytes.equals(contentOf(made).subarray(at + 5, at + 5 + second.bytes.length)))
  })

  for (const hasFast of [true, false])
    it(`that jumps to and fro is refused nothing, where cancels are ${hasFast ? '' : 'not '}answered`, async () => {
      await using swarm = new SimulatedSwarm({ latency: millis(50) })
      const made = makeTorrent(4 * MiB)
      const seed = new SlowSeed(swarm, { host: '10.0.0.1', made, blockTakes: millis(10), hasFast })
      const handle = await playing(swarm, made, [await seed.endpoint])
      for (const at of [0, 3, 1, 2, 0, 3, 1, 2]) {
        const reader = new Reader(handle, { file: 0, start: at * MiB, end: (at + 1) * MiB })
        await swarm.run(millis(120))
        reader.abort()
      }
      const all = new Reader(handle, { file: 0, start: 0, end: 4 * MiB })
      const took = await timeUntil(swarm, () => all.isOver)
      assert.ok(all.bytes.equals(contentOf(made)))
      assert.ok(took < 6_000, `${took} ms for what takes 2,560`)
      if (hasFast) assert.equal(handle.stats().wastedBytes, 0)
    })

  it('that comes back gets its first place, though no cancel was answered', async () => {
    await using swarm = new SimulatedSwarm({ latency: millis(10) })
    const made = makeTorrent(16 * MiB)
    const seed = new SlowSeed(swarm, { host: '10.0.0.1', made, blockTakes: millis(33), isMute: true })
    const handle = await playing(swarm, made, [await seed.endpoint])
    await swarm.run(seconds(2))
    for (const at of [1, 8]) {
      const reader = new Reader(handle, { file: 0, start: at * MiB, end: (at + 2) * MiB })
      await swarm.run(millis(200))
      reader.abort()
    }
    await swarm.run(seconds(7))
    const reader = new Reader(handle, { file: 0, start: MiB, end: 1.5 * MiB })
    const took = await timeUntil(swarm, () => reader.isOver)
    assert.ok(took < 3_000, `${took} ms for what takes 1,056`)
    assert.ok(reader.bytes.equals(contentOf(made).subarray(MiB, 1.5 * MiB)))
  })

  it('gets copies: what it does with them is nothing to others', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent({ a: 100_001, 'film.mp4': 300_007 })
    const wants = (path: string): boolean => path.endsWith('.mp4')
    const { player, handle } = await world(swarm, made, { wants, limitUp: 10_000_000 })
    assert.ok(await swarm.until(() => isComplete(player), seconds(30)))
    for (let reads = 0; reads < 2; reads++) {
      const reader = new Reader(handle, { file: 1, start: 0, end: 300_007 })
      assert.ok(await swarm.until(() => reader.isOver, seconds(30)))
      assert.ok(reader.bytes.equals([...made.contents.values()][1] ?? assert.fail()))
      for (const chunk of reader.chunks) chunk.fill(0)
    }
  })

  it('never gets a byte that failed its hash', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(1 * MiB)
    const spoil = (_piece: number, block: Uint8Array): void => void block.fill(0)
    const liar = new SlowSeed(swarm, { host: '10.0.0.66', made, blockTakes: millis(1), spoil })
    const handle = await playing(swarm, made, [await liar.endpoint])
    const reader = new Reader(handle, { file: 0, start: 0, end: MiB })
    await swarm.run(seconds(10))
    assert.ok(handle.stats().hasFailedHashes > 0)
    assert.deepEqual(reader.chunks, [])
    const seed = new SlowSeed(swarm, { host: '10.0.0.1', made, blockTakes: millis(5) })
    handle.addPeers([await seed.endpoint])
    assert.ok(await swarm.until(() => reader.isOver, seconds(60)))
    assert.ok(reader.bytes.equals(contentOf(made)))
  })

  it('of a piece that rotted on the disk gets it fetched again', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(4 * MiB)
    const { player, handle } = await world(swarm, made)
    assert.ok(await swarm.until(() => handle.stats().haveBytes > MiB, seconds(30)))
    const file = [...player.storage.files.values()][0]
    assert.ok(file)
    const start =
      PIECE *
      piecesIn(made).findIndex((piece, i) => piece.equals(file.bytes.subarray(i * PIECE, (i + 1) * PIECE)))
    file.bytes.fill(1, start, start + PIECE)
    const reader = new Reader(handle, { file: 0, start, end: start + PIECE })
    assert.ok(await swarm.until(() => reader.isOver, seconds(60)))
    assert.equal(reader.error, undefined)
    assert.ok(reader.bytes.equals(contentOf(made).subarray(start, start + PIECE)))
    assert.ok(player.events.some((event) => event.kind === 'content-changed'))
  })

  it('ends at a piece that rotted on the disk after all was fetched', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(2 * MiB)
    const { player, handle } = await world(swarm, made, { limitUp: 10_000_000 })
    assert.ok(await swarm.until(() => isComplete(player), seconds(30)))
    const file = [...player.storage.files.values()][0]
    assert.ok(file)
    file.bytes.fill(1, MiB)
    const reader = new Reader(handle, { file: 0, start: 0, end: 2 * MiB })
    assert.ok(await swarm.until(() => reader.isOver, seconds(30)))
    assert.ok(reader.bytes.equals(contentOf(made).subarray(0, MiB)))
    assert.ok(reader.error instanceof ShoalError && reader.error.code === 'unavailable')
  })

  it('gets one file of several, and pieces that it shares with unwanted ones', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent({ a: 100_001, 'film.mp4': 300_007, z: 100_003 })
    const wants = (path: string): boolean => path.endsWith('.mp4')
    const { player, handle } = await world(swarm, made, { wants })
    const film = Buffer.from([...made.contents.values()][1] ?? [])
    const reader = new Reader(handle, { file: 1, start: 0, end: 300_007 })
    assert.ok(await swarm.until(() => reader.isOver && isComplete(player), seconds(30)))
    assert.ok(reader.bytes.equals(film))
    // What it shares cannot be verified from the disk alone: a second run fetches that again.
    await handle.stop()
    player.events.length = 0
    const again = player.add(made, { mode: 'download', peers: [ORIGIN], isRead: true, wants })
    const second = new Reader(again, { file: 1, start: 7, end: 300_007 })
    assert.ok(await swarm.until(() => second.isOver, seconds(30)))
    assert.ok(second.bytes.equals(film.subarray(7)))
    assert.equal(again.stats().receivedBytes, 2 * PIECE)
  })

  it('can be one of two at once', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(4 * MiB)
    const { handle } = await world(swarm, made)
    const head = new Reader(handle, { file: 0, start: 0, end: 2 * MiB })
    const tail = new Reader(handle, { file: 0, start: 3 * MiB, end: 4 * MiB })
    assert.ok(await swarm.until(() => head.bytes.length > 0 && tail.bytes.length > 0, seconds(2)))
    assert.ok(await swarm.until(() => head.isOver && tail.isOver, seconds(60)))
    assert.ok(head.bytes.equals(contentOf(made).subarray(0, 2 * MiB)))
    assert.ok(tail.bytes.equals(contentOf(made).subarray(3 * MiB)))
  })

  it('that is aborted is waited for no more', async () => {
    await using swarm = new SimulatedSwarm({ latency: millis(10) })
    const made = makeTorrent(16 * MiB)
    const seed = new SlowSeed(swarm, { host: '10.0.0.1', made, blockTakes: millis(33) })
    const handle = await playing(swarm, made, [await seed.endpoint])
    const reader = new Reader(handle, { file: 0, start: 8 * MiB, end: 16 * MiB })
    await swarm.run(seconds(2))
    reader.abort()
    assert.ok(await swarm.until(() => reader.isOver, seconds(1)))
    assert.match(String(reader.error), /enough/)
    const asked = seed.asked.length
    await swarm.run(seconds(5))
    const later = seed.asked.slice(asked)
    assert.ok(later.length > 0 && later.some((piece) => piece < 8 * (MiB / PIECE)), later.join(' '))
  })

  it('ends when its torrent is stopped', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(1 * MiB)
    const handle = await playing(swarm, made, [])
    const reader = new Reader(handle, { file: 0, start: 0, end: 10 })
    await swarm.run(seconds(1))
    void handle.stop()
    assert.ok(await swarm.until(() => reader.isOver, seconds(10)))
    assert.ok(reader.error instanceof ShoalError && reader.error.code === 'unavailable')
  })

  it('gets nothing that lies beyond its file, or in a file that is not fetched', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent({ a: 100, b: 100 })
    const { handle } = await world(swarm, made, { wants: (path) => path.endsWith('/a') })
    for (const range of [
      { file: 0, start: 0, end: 101 },
      { file: 0, start: 5, end: 4 },
      { file: 0, start: -1, end: 4 },
      { file: 1, start: 0, end: 1 },
      { file: 2, start: 0, end: 1 },
    ]) {
      await assert.rejects(handle.read(range, never).next(), { code: 'not-found' })
      assert.throws(() => handle.hurry(range, millis(0)), { code: 'not-found' })
    }
  })

  it('that takes its time has as much of the rest fetched as ever', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(2 * MiB)
    const { player, handle } = await world(swarm, made)
    const reading = handle.read({ file: 0, start: 0, end: 2 * MiB }, never)
    const first = reading.next()
    assert.ok(await swarm.until(() => isComplete(player), seconds(30)))
    assert.equal((await first).value?.length, PIECE)
    await reading.return()
  })

  it('has a block that is late asked of a second peer, and of no third', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(4 * MiB, { pieceLength: 256 * KiB })
    const slow = new SlowSeed(swarm, { host: '10.0.0.1', made, blockTakes: seconds(4) })
    const fast = ['10.0.0.3', '10.0.0.4'].map(
      (host) => new SlowSeed(swarm, { host, made, blockTakes: millis(100) }),
    )
    const handle = await playing(swarm, made, [await slow.endpoint])
    const reader = new Reader(handle, { file: 0, start: 0, end: 4 * MiB })
    await swarm.run(seconds(1))
    handle.addPeers(await Promise.all(fast.map((seed) => seed.endpoint)))
    const took = await timeUntil(swarm, () => reader.bytes.length > 0)
    assert.ok(took < 4_000, `the first piece came after ${took} ms`)
    assert.ok(await swarm.until(() => reader.isOver, seconds(60)))
    assert.ok(reader.bytes.equals(contentOf(made)))
    assert.ok(handle.stats().wastedBytes < MiB, `${handle.stats().wastedBytes} bytes came twice`)
  })

  it('gets what an origin has not shown, and does not wait until it does', async () => {
    await using swarm = new SimulatedSwarm()
    const made = makeTorrent(32 * MiB)
    const origin = await swarm.peer('10.0.0.1', { reveal: true, limitUp: bytesPerSecond(500_000) })
    origin.add(made, { mode: 'seed' })
    const flags = { isOrigin: true, isMirror: false, isOurs: true }
    const reply = { intervalMs: minutes(30), complete: 1, incomplete: 0 }
    const player = await swarm.peer('10.0.0.2', {
      fetchAnnounce: () =>
        Promise.resolve(
          encodeAnnounceReply(
            { ...reply, peers: [{ ...origin.endpoint, flags }] },
            { compact: true, withFlags: true },
          ),
        ),
    })
    const handle = player.add(made, {
      mode: 'download',
      isRead: true,
      announceUrls: () => [['http://tracker.test/announce']],
    })
    const reader = new Reader(handle, { file: 0, start: 20 * MiB, end: 32 * MiB })
    const took = await timeUntil(swarm, () => reader.bytes.length >= MiB)
    assert.ok(took < 3_500, `a megabyte of its place came after ${took} ms`)
  })
})

describe('what is hurried', () => {
  async function hurried(
    swarm: SimulatedSwarm,
  ): Promise<{ seed: SlowSeed; hurry: Disposable; owed: () => number }> {
    const made = makeTorrent(16 * MiB)
    const seed = new SlowSeed(swarm, { host: '10.0.0.1', made, blockTakes: millis(33) })
    const handle = await playing(swarm, made, [])
    await swarm.run(seconds(1))
    const hurry = handle.hurry({ file: 0, start: 8 * MiB, end: 8.25 * MiB }, millis(0))
    handle.addPeers([await seed.endpoint])
    const blocks = (): number => handle.stats().receivedBytes / BLOCK_BYTES
    return { seed, hurry, owed: () => seed.asked.length - seed.cancelled.length - blocks() }
  }
  /** Requests at once: few while somebody waits for what he will ask for next. */
  const FULL = 20

  it('comes first, and is urgent no more when it is here', async () => {
    await using swarm = new SimulatedSwarm({ latency: millis(10) })
    const { seed, owed } = await hurried(swarm)
    await swarm.run(millis(400))
    assert.equal(seed.asked[0], (8 * MiB) / PIECE)
    assert.ok(owed() < FULL - 4, `${owed()} requests while it comes`)
    await swarm.run(seconds(3))
    assert.ok(owed() >= FULL - 4, `${owed()} requests when it is here`)
  })

  it('is urgent no more when nobody wishes for it', async () => {
    await using swarm = new SimulatedSwarm({ latency: millis(10) })
    const { hurry, owed } = await hurried(swarm)
    hurry[Symbol.dispose]()
    await swarm.run(millis(400))
    assert.ok(owed() >= FULL - 4, `${owed()} requests`)
  })
})

/** Milliseconds until it is so. */
async function timeUntil(swarm: SimulatedSwarm, isTrue: () => boolean): Promise<number> {
  const from = swarm.clock.now()
  assert.ok(await swarm.until(isTrue, seconds(60)))
  return swarm.clock.now() - from
}
