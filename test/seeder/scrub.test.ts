import assert from 'node:assert/strict'
import { open, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type { InfoHash } from '../../src/core/ids.ts'
import { releaseName, slug } from '../../src/core/ids.ts'
import { seededRandom } from '../../src/core/random.ts'
import { hours, KiB, MiB, seconds } from '../../src/core/units.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { ControlState } from '../../src/portal-client/index.ts'
import { HashPool } from '../../src/seeder/hash-pool.ts'
import type { HashBatch } from '../../src/seeder/hash-batch.ts'
import { startSeeder, type Seeder } from '../../src/seeder/index.ts'
import { ReleaseStore } from '../../src/seeder/release-store.ts'
import { Scrub, type ScrubParts } from '../../src/seeder/scrub.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { makeTree } from '../support/tree.ts'
import { MemoryEngine } from './support/memory-engine.ts'
import { MemoryPortal } from './support/memory-portal.ts'
import { scratchFolder } from './support/scratch.ts'
import { storeRelease } from './support/stored-release.ts'
import { turn, until } from './support/until.ts'

const PLACE = { bundle: slug('course'), release: releaseName('1') }
const RATE = 200 * KiB

/** Changes one byte and leaves size and time as they were, as a disk that forgets does. */
async function rot(file: string, at: number): Promise<void> {
  // Whole microseconds survive `utimes`; makers of releases stamp after this.
  const { atime, mtime } = await stat(file)
  const handle = await open(file, 'r+')
  const byte = Buffer.alloc(1)
  await handle.read(byte, 0, 1, at)
  byte[0] = (byte[0] ?? 0) ^ 1
  await handle.write(byte, 0, 1, at)
  await handle.close()
  await utimes(file, atime, mtime)
}

/** A folder of `files` whose times `utimes` can give back, stored as a release. */
async function stored(dataDir: string, name: string, files: Record<string, number>): Promise<InfoHash> {
  await makeTree(join(dataDir, name), name, files)
  for (const path of Object.keys(files)) await utimes(join(dataDir, name, path), 1_790_000_000, 1_790_000_000)
  const { record } = await storeRelease(dataDir, join(dataDir, name), { place: PLACE })
  return record.infohash
}

/** A scrub over what is stored, all of it served; notes what was read and what was found. */
class Bench implements AsyncDisposable {
  readonly clock = new ManualClock()
  readonly found: string[] = []
  readonly looked: InfoHash[] = []
  readBytes = 0
  readonly pool = new HashPool({ workers: 1 })
  readonly #dataDir: string
  readonly unserved = new Set<InfoHash>()

  constructor(dataDir: string) {
    this.#dataDir = dataDir
  }

  async start(bytesPerSecond = RATE): Promise<Scrub> {
    const folder = join(this.#dataDir, 'seeder')
    const store = await ReleaseStore.open({ log: silentLogger, folder })
    const parts: ScrubParts = {
      clock: this.clock,
      log: silentLogger,
      store,
      shelf: {
        serves: (hash) => !this.unserved.has(hash),
        look: (hash) => {
          this.looked.push(hash)
          this.unserved.add(hash)
          return Promise.resolve()
        },
        contentChanged: (hash, path) => {
          this.found.push(path)
          this.unserved.add(hash)
          return Promise.resolve()
        },
      },
      pool: {
        run: (batch: HashBatch) => {
          for (const stretch of batch.stretches) this.readBytes += stretch.lengthBytes
          return this.pool.run(batch)
        },
      },
      folder,
    }
    return Scrub.start(parts, { bytesPerSecond })
  }

  /** So many seconds, each with time for the worker to finish what it was given. */
  async pass(secondsToPass: number): Promise<void> {
    for (let i = 0; i < secondsToPass; i++) {
      this.clock.advance(seconds(1))
      const probe = this.pool.run({ pieceLengthBytes: 16 * KiB, stretches: [] })
      await probe
      for (let n = 0; n < 50; n++) await turn()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.pool[Symbol.asyncDispose]()
  }
}

describe('The scrub', () => {
  it('finds one rotten byte in a file that nobody wrote to, and names the file', async () => {
    await using scratch = await scratchFolder()
    await stored(scratch.path, 'course', { 'a.bin': 300 * KiB, 'b/c.bin': 500 * KiB })
    await rot(join(scratch.path, 'course/b/c.bin'), 123_456)
    await using bench = new Bench(scratch.path)
    await using _scrub = await bench.start()
    await until(bench.clock, () => bench.found.length > 0)
    assert.deepEqual(bench.found, ['course/b/c.bin'])
  })

  it('finds nothing in what is as it was published, and reads all of it', async () => {
    await using scratch = await scratchFolder()
    await stored(scratch.path, 'one', { a: 300 * KiB, empty: 0 })
    await stored(scratch.path, 'two', { b: 200 * KiB })
    await using bench = new Bench(scratch.path)
    await using _scrub = await bench.start()
    await until(bench.clock, () => bench.readBytes === 500 * KiB)
    await bench.pass(10)
    assert.deepEqual([bench.found, bench.looked, bench.readBytes], [[], [], 500 * KiB])
  })

  it('never reads faster than it was told, after a pause neither', async () => {
    await using scratch = await scratchFolder()
    await stored(scratch.path, 'large', { 'a.bin': 3 * MiB })
    await using bench = new Bench(scratch.path)
    await using _scrub = await bench.start(100 * KiB)
    for (let i = 0; i < 40; i++) {
      await bench.pass(1)
      assert.ok(bench.readBytes <= ((bench.clock.now() + 1) / 1_000) * 100 * KiB)
    }
    assert.equal(bench.readBytes, 3 * MiB)
  })

  it('begins the next round a day after the last one began', async () => {
    await using scratch = await scratchFolder()
    await stored(scratch.path, 'small', { a: 100 * KiB })
    await using bench = new Bench(scratch.path)
    await using _scrub = await bench.start()
    await until(bench.clock, () => bench.readBytes === 100 * KiB)
    await bench.pass(5)
    bench.clock.advance(hours(23))
    await bench.pass(5)
    assert.equal(bench.readBytes, 100 * KiB)
    bench.clock.advance(hours(1))
    await until(bench.clock, () => bench.readBytes === 200 * KiB)
  })

  it('goes on after a restart where it was, and reads nothing twice', async () => {
    await using scratch = await scratchFolder()
    for (const name of ['one', 'two', 'three']) await stored(scratch.path, name, { a: 400 * KiB })
    await using bench = new Bench(scratch.path)
    for (let restarts = 0; bench.readBytes < 1_200 * KiB; restarts++) {
      assert.ok(restarts < 20)
      const before = bench.readBytes
      await using _scrub = await bench.start()
      await until(bench.clock, () => bench.readBytes > before)
    }
    {
      await using _scrub = await bench.start()
      await bench.pass(10)
    }
    assert.equal(bench.readBytes, 1_200 * KiB)
  })

  it('begins anew when its place cannot be read, or lies in a far future', async () => {
    await using scratch = await scratchFolder()
    await stored(scratch.path, 'one', { a: 100 * KiB })
    const far = JSON.stringify({ piece: 0, isBehind: false, roundBegan: 9e15 })
    for (const text of ['{"piece":-1', '{"piece":-1,"roundBegan":0}', far]) {
      await writeFile(join(scratch.path, 'seeder/scrub.json'), text)
      await using bench = new Bench(scratch.path)
      await using _scrub = await bench.start()
      if (text === far) bench.clock.advance(hours(24))
      await until(bench.clock, () => bench.readBytes === 100 * KiB)
    }
  })

  it('leaves a file that was written to to the look at it, and is stopped by none', async () => {
    await using scratch = await scratchFolder()
    const touched = await stored(scratch.path, 'touched', { a: 100 * KiB })
    await stored(scratch.path, 'other', { a: 150 * KiB })
    await utimes(join(scratch.path, 'touched/a'), 1_790_000_001, 1_790_000_001)
    await using bench = new Bench(scratch.path)
    await using _scrub = await bench.start()
    await until(bench.clock, () => bench.readBytes === 150 * KiB && bench.looked.length === 1)
    assert.deepEqual([bench.looked, bench.found], [[touched], []])
  })
})

describe('A seeder that scrubs', () => {
  const start = (dataDir: string, clock: ManualClock, portal: MemoryPortal): Promise<Seeder> =>
    startSeeder(
      {
        clock,
        random: seededRandom(1),
        log: silentLogger,
        dataDir,
        client: portal,
        control: new ControlState(),
        engine: new MemoryEngine(),
      },
      { audience: [], rightsStatement: '', presenceKind: 'origin', scrubBytesPerSecond: 10_000_000 },
    )

  it('tells the portal of rot that nobody asked for, and serves the release no more', async () => {
    await using scratch = await scratchFolder()
    const hash = await stored(scratch.path, 'course', { a: 100 * KiB })
    await rot(join(scratch.path, 'course/a'), 7)
    const clock = new ManualClock()
    const portal = new MemoryPortal()
    await using seeder = await start(scratch.path, clock, portal)
    await until(clock, () => seeder.served().missing.length === 1)
    assert.match(seeder.served().missing[0]?.reason ?? '', /no longer those that were published/)
    await until(clock, () => portal.presences.at(-1)?.missing?.[0]?.infohash === hash)
  })

  it('leaves no timer and no reader when it stops', async () => {
    await using scratch = await scratchFolder()
    await stored(scratch.path, 'course', { a: 100 * KiB })
    const clock = new ManualClock()
    const seeder = await start(scratch.path, clock, new MemoryPortal())
    await seeder[Symbol.asyncDispose]()
    assert.equal(clock.timers, 0)
  })
})
