import assert from 'node:assert/strict'
import { appendFile, cp, mkdir, rename, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ShoalError } from '../../src/core/errors.ts'
import { seededRandom } from '../../src/core/random.ts'
import { silentLogger, type Logger } from '../../src/platform/log.ts'
import { ControlState } from '../../src/portal-client/index.ts'
import { startSeeder, type Seeder } from '../../src/seeder/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { makeTree, seededBytes } from '../support/tree.ts'
import { MemoryEngine } from './support/memory-engine.ts'
import { MemoryPortal } from './support/memory-portal.ts'
import { scratchFolder, type Scratch } from './support/scratch.ts'
import { until, untilDone } from './support/until.ts'

/** A scratch folder with a library and a data folder, a portal that outlives seeders, and what they hashed. */
class LibraryRig implements AsyncDisposable {
  readonly clock = new ManualClock()
  readonly portal = new MemoryPortal()
  readonly library: string
  /** Of each release that was made: the bytes that were hashed for it. */
  readonly hashedBytes: number[] = []
  engine = new MemoryEngine()
  readonly #scratch: Scratch

  private constructor(scratch: Scratch) {
    this.#scratch = scratch
    this.library = join(scratch.path, 'library')
  }

  static async make(): Promise<LibraryRig> {
    const rig = new LibraryRig(await scratchFolder())
    await mkdir(rig.library)
    return rig
  }

  start(): Promise<Seeder> {
    this.engine = new MemoryEngine()
    const { clock, portal: client, engine } = this
    const control = new ControlState()
    const dataDir = join(this.#scratch.path, 'data')
    return untilDone(
      clock,
      startSeeder(
        { clock, random: seededRandom(1), log: this.#log(), dataDir, client, control, engine },
        { library: this.library, audience: ['staff'], rightsStatement: 'ours', presenceKind: 'origin' },
      ),
    )
  }

  path(name: string): string {
    return join(this.library, name)
  }

  /** Until the portal lists exactly this. */
  async listed(...expected: string[]): Promise<void> {
    await until(this.clock, () => JSON.stringify(this.portal.listing()) === JSON.stringify(expected))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#scratch[Symbol.asyncDispose]()
  }

  #log(): Logger {
    const info = (fields: unknown): void => {
      if (typeof fields === 'object' && fields !== null && 'hashedBytes' in fields)
        this.hashedBytes.push(Number(fields.hashedBytes))
    }
    return Object.assign(Object.create(silentLogger) as Logger, { info })
  }
}

describe('The library', () => {
  it('makes a bundle of each file and folder in it', async () => {
    await using rig = await LibraryRig.make()
    await makeTree(rig.library, 'lib', {
      'content.bin': 70_000,
      'Fire safety 2026/a': 10,
      'Fire safety 2026/b/c': 10,
    })
    await makeTree(rig.library, 'lib', { '.hidden': 10, 'film.mp4.part': 10 })
    await using seeder = await rig.start()
    await untilDone(rig.clock, seeder.idle())
    await until(rig.clock, () => rig.portal.listing().every((line) => line.endsWith(' live')))
    assert.deepEqual(rig.portal.listing().toSorted(), ['content-bin@1 live', 'fire-safety-2026@1 live'])
    const bundle = [...rig.portal.bundles.values()].find((one) => one.bundle === 'content-bin')
    assert.equal(bundle?.title, 'content.bin')
    assert.deepEqual(bundle.audience, ['staff'])
    assert.deepEqual(seeder.problems(), [])
  })

  it('publishes what appears later', async () => {
    await using rig = await LibraryRig.make()
    await using _seeder = await rig.start()
    await writeFile(rig.path('late.bin'), seededBytes('late', 50_000))
    await rig.listed('late-bin@1 live')
  })

  it('hashes nothing after a restart', async () => {
    await using rig = await LibraryRig.make()
    await makeTree(rig.library, 'restart', { 'content.bin': 70_000, 'folder/x': 5_000 })
    {
      await using seeder = await rig.start()
      await untilDone(rig.clock, seeder.idle())
    }
    assert.deepEqual(rig.hashedBytes.toSorted(), [5_000, 70_000])
    await using again = await rig.start()
    assert.equal(rig.engine.seeded().length, 2)
    await untilDone(rig.clock, again.idle())
    assert.equal(rig.hashedBytes.length, 2)
    assert.equal(rig.portal.bundles.size, 2)
  })

  it('makes the next release of what changes, and tells that the old one is gone', async () => {
    await using rig = await LibraryRig.make()
    await makeTree(rig.library, 'next', { 'course/a': 70_000, 'course/b': 5_000 })
    await using seeder = await rig.start()
    await rig.listed('course@1 live')
    await writeFile(rig.path('course/b'), 'second')
    await rig.listed('course@2 live', 'course@1 missing')
    assert.match(seeder.served().missing[0]?.reason ?? '', /"b" was changed after it was published/)
  })

  it('does not hash the unchanged files of a changed folder again', async () => {
    await using rig = await LibraryRig.make()
    await makeTree(rig.library, 'part', { 'course/a': 4_000_000, 'course/z': 5_000 })
    await using _seeder = await rig.start()
    await rig.listed('course@1 live')
    await appendFile(rig.path('course/z'), 'more')
    await rig.listed('course@2 live', 'course@1 missing')
    await until(rig.clock, () => rig.hashedBytes.length === 2)
    assert.ok((rig.hashedBytes[1] ?? 0) < 100_000, String(rig.hashedBytes))
  })

  it('tells that something vanished, and serves it again when it returns unchanged', async () => {
    await using rig = await LibraryRig.make()
    await makeTree(rig.library, 'vanish', { 'course/a': 70_000 })
    await using seeder = await rig.start()
    await rig.listed('course@1 live')
    await rename(rig.path('course'), `${rig.library}-away`)
    await rig.listed('course@1 missing')
    assert.equal(seeder.served().missing[0]?.reason, 'gone from the library folder')
    await rename(`${rig.library}-away`, rig.path('course'))
    await rig.listed('course@1 live')
    await untilDone(rig.clock, seeder.idle())
    assert.equal(rig.hashedBytes.length, 1)
  })

  it('makes no new release of a copy that returns with another time', async () => {
    await using rig = await LibraryRig.make()
    await makeTree(rig.library, 'copy', { 'course/a': 70_000 })
    await using _seeder = await rig.start()
    await rig.listed('course@1 live')
    await cp(rig.path('course'), `${rig.library}-copy`, { recursive: true })
    await rm(rig.path('course'), { recursive: true })
    await rig.listed('course@1 missing')
    await cp(`${rig.library}-copy`, rig.path('course'), { recursive: true })
    await rig.listed('course@1 live')
  })

  it('does not publish what is still growing', async () => {
    await using rig = await LibraryRig.make()
    await using _seeder = await rig.start()
    await mkdir(rig.path('course'))
    for (let n = 0; n < 5; n++) {
      await writeFile(rig.path(`course/part${n}`), seededBytes(String(n), 10_000))
      await until(rig.clock, growing(rig.clock))
      assert.deepEqual(rig.portal.listing(), [])
    }
    await rig.listed('course@1 live')
    assert.equal([...rig.portal.torrents.values()][0]?.metainfo.files.length, 5)
  })

  it('names what it refuses, and publishes it when it is mended', async () => {
    await using rig = await LibraryRig.make()
    await makeTree(rig.library, 'refuse', { 'course/a': 70_000 })
    await symlink('/etc/passwd', rig.path('course/passwd'))
    await symlink('/etc', rig.path('etc'))
    await mkdir(rig.path('nothing'))
    await using seeder = await rig.start()
    await untilDone(rig.clock, seeder.idle())
    const reasons = new Map(seeder.problems().map(({ entry, reason }) => [entry, reason]))
    assert.match(reasons.get('course') ?? '', /"passwd" is a link/)
    assert.match(reasons.get('etc') ?? '', /"etc" is a link/)
    assert.match(reasons.get('nothing') ?? '', /there is no file in it/)
    assert.deepEqual(rig.portal.listing(), [])
    await rm(rig.path('course/passwd'))
    await rig.listed('course@1 live')
    await untilDone(rig.clock, seeder.idle())
    assert.equal(
      seeder.problems().some(({ entry }) => entry === 'course'),
      false,
    )
  })

  it('keeps trying while the portal does not answer, and hashes once', async () => {
    await using rig = await LibraryRig.make()
    await makeTree(rig.library, 'deaf', { 'content.bin': 70_000 })
    rig.portal.failure = new ShoalError('unavailable', 'the portal does not answer')
    await using seeder = await rig.start()
    await until(rig.clock, () => seeder.problems().length === 1)
    rig.portal.failure = undefined
    await rig.listed('content-bin@1 live')
    await until(rig.clock, () => rig.hashedBytes.length > 0)
    assert.deepEqual(rig.hashedBytes, [0])
  })

  it('makes no second bundle when the answers of the portal get lost', async () => {
    for (const lost of [1, 2, 3]) {
      await using rig = await LibraryRig.make()
      await makeTree(rig.library, 'lost', { 'content.bin': 70_000 })
      {
        await using seeder = await rig.start()
        rig.portal.lostAnswers = lost
        await until(rig.clock, () => seeder.problems().length === 1 || rig.portal.listing().length === 1)
      }
      await using _again = await rig.start()
      await rig.listed('content-bin@1 live')
    }
  })

  it('gives its own bundle to a title that somebody else has', async () => {
    await using rig = await LibraryRig.make()
    rig.portal.user = 'ann'
    await rig.portal.createBundle({ title: 'content.bin' })
    rig.portal.user = 'origin'
    await makeTree(rig.library, 'taken', { 'content.bin': 70_000 })
    await using _seeder = await rig.start()
    await rig.listed('content-bin-2@1 live')
  })

  it('is refused when there is no such folder', async () => {
    await using rig = await LibraryRig.make()
    await rm(rig.library, { recursive: true })
    await assert.rejects(rig.start(), (error) => error instanceof ShoalError && error.code === 'bad-usage')
  })

  it('stops while it waits for something to settle', async () => {
    await using rig = await LibraryRig.make()
    await makeTree(rig.library, 'stop', { 'content.bin': 70_000 })
    const seeder = await rig.start()
    await seeder[Symbol.asyncDispose]()
    assert.equal(rig.clock.timers, 0)
  })
})

/** True after one and a half seconds: less than what a thing must be at rest to be published. */
function growing(clock: ManualClock): () => boolean {
  const start = clock.now()
  return () => clock.now() - start >= 1_500
}
