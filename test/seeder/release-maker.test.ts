/** What publishing through the portal asks of the seeder: looking, making, taking over, and the library to choose from. */
import assert from 'node:assert/strict'
import { copyFile, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { releaseName, slug } from '../../src/core/ids.ts'
import { seededRandom } from '../../src/core/random.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { ControlState } from '../../src/portal-client/index.ts'
import { startSeeder, type Seeder } from '../../src/seeder/index.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { needs } from '../support/needs.ts'
import { seededBytes } from '../support/tree.ts'
import { mediaFile } from './support/media-files.ts'
import { MemoryEngine } from './support/memory-engine.ts'
import { MemoryPortal } from './support/memory-portal.ts'
import { scratchFolder, type Scratch } from './support/scratch.ts'

const PLACE = { bundle: slug('drill'), release: releaseName('1'), admit: 'any' } as const
const never = new AbortController().signal

describe('Making releases for the portal', () => {
  let scratch: Scratch
  let library: string
  let seeder: Seeder
  let engine: MemoryEngine

  const start = async (isLibraryAutomatic: boolean): Promise<void> => {
    engine = new MemoryEngine()
    const parts = { clock: new ManualClock(), random: seededRandom(1), log: silentLogger }
    seeder = await startSeeder(
      {
        ...parts,
        dataDir: join(scratch.path, 'data'),
        client: new MemoryPortal(),
        control: new ControlState(),
        engine,
      },
      {
        library,
        isLibraryAutomatic,
        audience: ['everyone'],
        rightsStatement: 'ours',
        presenceKind: 'origin',
      },
    )
  }
  beforeEach(async () => {
    scratch = await scratchFolder()
    library = join(scratch.path, 'library')
    await mkdir(join(library, 'films'), { recursive: true })
    await writeFile(join(library, 'films', 'drill.bin'), seededBytes('drill', 100_000))
    await writeFile(join(library, 'films', 'Thumbs.db'), 'x')
    await writeFile(join(scratch.path, 'secret.txt'), 'not for publishers')
    await symlink(scratch.path, join(library, 'out'))
    await symlink(join(scratch.path, 'secret.txt'), join(library, 'films', 'link.txt'))
    await mkdir(join(library, '.hidden'))
    await writeFile(join(library, '.hidden', 'key'), 'secret')
    await symlink(join(library, '.hidden'), join(library, 'to-hidden'))
    await start(false)
  })
  afterEach(async () => {
    await seeder[Symbol.asyncDispose]()
    await scratch[Symbol.asyncDispose]()
  })

  it('says which films could be mended, and mends them beside', async function () {
    needs(this, 'ffmpeg')
    await copyFile(mediaFile('late.mp4'), join(library, 'films', 'late.mp4'))
    await copyFile(mediaFile('fast.mp4'), join(library, 'films', 'fast.mp4'))
    assert.deepEqual((await seeder.maker.look(join(library, 'films'))).mendable, ['late.mp4'])
    const to = join(scratch.path, 'mended.mp4')
    const { sizeBytes } = await seeder.maker.mend(
      join(library, 'films', 'late.mp4'),
      to,
      () => undefined,
      never,
    )
    const review = await seeder.maker.look(to)
    assert.deepEqual([review.sizeBytes, review.mendable], [sizeBytes, []])
    assert.doesNotMatch(review.warnings.join(), /moov/)
  })

  it('tells what would ship, makes it, finds it a second time, and serves it once it is listed', async () => {
    const { maker } = seeder
    const path = join(library, 'films', 'drill.bin')
    const review = await maker.look(path)
    assert.deepEqual(
      [review.name, review.isSingleFile, review.fileCount, review.sizeBytes, review.refusal],
      ['drill.bin', true, 1, 100_000, undefined],
    )
    assert.equal(review.pieceCount, Math.ceil(100_000 / review.pieceLengthBytes))
    const hashed: number[] = []
    const torrent = await maker.make(path, (bytes) => hashed.push(bytes), never)
    assert.equal(hashed.at(-1), 100_000)
    assert.deepEqual(seeder.served().complete, [])
    assert.equal((await maker.make(path, () => hashed.push(-1), never)).infoHash, torrent.infoHash)
    assert.ok(
      hashed.every((bytes) => bytes >= 0),
      'it was read twice',
    )
    for (let i = 0; i < 2; i++) await maker.adopt(torrent.infoHash, PLACE)
    assert.deepEqual(seeder.served().complete, [torrent.infoHash])
    const listed = await maker.library?.list('films')
    assert.deepEqual(listed?.items, [
      {
        name: 'drill.bin',
        path: 'films/drill.bin',
        isFolder: false,
        sizeBytes: 100_000,
        publishedAs: { bundle: 'drill', release: '1' },
      },
    ])
  })

  it('serves a release from where it was, when a copy of it was made and deleted', async () => {
    const { maker } = seeder
    const torrent = await maker.make(join(library, 'films', 'drill.bin'), () => undefined, never)
    await maker.adopt(torrent.infoHash, PLACE)
    const copy = join(scratch.path, 'copy', 'drill.bin')
    await mkdir(join(scratch.path, 'copy'))
    await copyFile(join(library, 'films', 'drill.bin'), copy)
    assert.equal((await maker.make(copy, () => undefined, never)).infoHash, torrent.infoHash)
    await rm(copy)
    await maker.adopt(torrent.infoHash, PLACE) // it is looked at
    assert.deepEqual(seeder.served(), { complete: [torrent.infoHash], partial: [], missing: [] })
  })

  it('tells of media what their publisher should know, and reads them once', async function () {
    needs(this, 'ffmpeg')
    const path = join(library, 'films', 'late.mp4')
    await copyFile(mediaFile('late.mp4'), path)
    const review = await seeder.maker.look(path)
    assert.deepEqual([review.media?.kind, review.media?.playsInBrowsers], ['video', true])
    assert.match(review.warnings.join(' '), /faststart/)
    assert.deepEqual(await seeder.maker.look(path), review)
  })

  it('says of a folder what is left out, and what keeps it from being published', async () => {
    const review = await seeder.maker.look(join(library, 'films'))
    assert.deepEqual([review.ignored, review.fileCount], [['Thumbs.db'], 1])
    assert.match(String(review.refusal), /link\.txt/)
    await assert.rejects(
      seeder.maker.make(join(library, 'films'), () => undefined, never),
      /cannot be published/,
    )
  })

  for (const path of [
    '..',
    'films/..',
    '/etc',
    'films/../..',
    'out',
    'out/secret.txt',
    'films/link.txt',
    'none',
    'films/drill.bin/x',
    'a\u0000b',
    '.hidden',
    'films/.hidden',
    'films/Thumbs.db',
    'to-hidden',
    '.',
  ])
    it(`has no ${JSON.stringify(path)} in the library`, async () => {
      await assert.rejects(seeder.maker.library?.resolve(path) ?? Promise.resolve(), { code: 'not-found' })
      await assert.rejects(seeder.maker.library?.list(path) ?? Promise.resolve(), { code: 'not-found' })
    })

  it('is refused where the data folder lies in the library, or the library in it', async () => {
    await seeder[Symbol.asyncDispose]()
    const [before, inData] = [library, join(scratch.path, 'data', 'library')]
    library = scratch.path // the data folder is in it
    await assert.rejects(start(false), /within one another/)
    await mkdir(inData, { recursive: true })
    library = inData
    await assert.rejects(start(false), /within one another/)
    library = before
    await start(false)
  })

  it('publishes nothing of a library by itself that publishers choose from, and has nothing to choose where it does', async () => {
    await seeder.idle()
    assert.deepEqual(seeder.served().complete, [])
    await seeder[Symbol.asyncDispose]()
    await start(true)
    assert.equal(seeder.maker.library, undefined)
  })
})
