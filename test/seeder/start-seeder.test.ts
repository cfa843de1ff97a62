import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { appendFile, rename, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { releaseName, slug, type InfoHash } from '../../src/core/ids.ts'
import type { Torrent } from '../../src/core/metainfo.ts'
import { MiB, minutes, seconds } from '../../src/core/units.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { ControlState } from '../../src/portal-client/index.ts'
import { seededRandom } from '../../src/core/random.ts'
import { ShoalError } from '../../src/core/errors.ts'
import { startSeeder, type Seeder } from '../../src/seeder/index.ts'
import type { ControlEvent } from '../../src/wire/control.ts'
import { encodeInfo, encodeTorrent, parseInfo } from '../../src/wire/torrent.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { makeTree, seededBytes } from '../support/tree.ts'
import { MemoryEngine } from './support/memory-engine.ts'
import { MemoryPortal } from './support/memory-portal.ts'
import { scratchFolder } from './support/scratch.ts'
import { storeRelease } from './support/stored-release.ts'
import { until, withinSeconds } from './support/until.ts'

const PLACE = { bundle: slug('course'), release: releaseName('1') }

class Rig {
  readonly clock = new ManualClock()
  readonly portal = new MemoryPortal()
  readonly engine = new MemoryEngine()
  readonly control = new ControlState()
  #seq = 0

  start(dataDir: string): Promise<Seeder> {
    const { clock, portal: client, engine, control } = this
    return startSeeder(
      { clock, random: seededRandom(1), log: silentLogger, dataDir, client, control, engine },
      { audience: ['everyone'], rightsStatement: 'ours', presenceKind: 'origin' },
    )
  }

  tell(...events: ControlEvent[]): void {
    const at = '2026-01-01T00:00:00.000Z'
    this.control.apply({
      portal: this.portal.origin,
      seq: ++this.#seq,
      snapshot: this.#seq === 1,
      at,
      events,
    })
  }
}

describe('startSeeder', () => {
  it('has every torrent announced again when the portal begins an epoch, and only then', async () => {
    await using scratch = await scratchFolder()
    const rig = new Rig()
    rig.tell({ kind: 'epoch', epoch: 3 })
    await using _seeder = await rig.start(scratch.path)
    rig.tell({ kind: 'epoch', epoch: 3 })
    assert.equal(rig.engine.reannounced, 0)
    rig.tell({ kind: 'epoch', epoch: 4 })
    assert.equal(rig.engine.reannounced, 1)
  })

  it('serves what is stored and tells the portal, at once and every minute', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'serve', { 'content/a': 70_000 })
    const { record } = await storeRelease(scratch.path, join(scratch.path, 'content'), { place: PLACE })
    const rig = new Rig()
    await using _seeder = await rig.start(scratch.path)
    assert.deepEqual(rig.engine.seeded(), [record.infohash])
    assert.equal(rig.engine.torrents.get(record.infohash)?.folder, scratch.path)
    const [first] = rig.portal.presences
    assert.deepEqual(first?.complete, [record.infohash])
    assert.equal(first.port, rig.engine.port)
    assert.equal(first.kind, 'origin')
    const before = rig.clock.now()
    await until(rig.clock, () => rig.portal.presences.length >= 3)
    assert.ok(rig.clock.now() - before >= minutes(1))
  })

  it('does not serve or report a release that the portal does not list yet', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'unlisted', { 'content/a': 70_000 })
    await storeRelease(scratch.path, join(scratch.path, 'content'))
    const rig = new Rig()
    await using seeder = await rig.start(scratch.path)
    assert.deepEqual(rig.engine.seeded(), [])
    assert.deepEqual(seeder.served(), { complete: [], partial: [], missing: [] })
  })

  it('tells of thousands of releases in parts', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'parts', { 'content/a': 70_000 })
    const { record } = await storeRelease(scratch.path, join(scratch.path, 'content'), { place: PLACE })
    const store = join(scratch.path, 'seeder/releases')
    const gone = { ...record, name: 'gone', state: 'registered', ...PLACE }
    for (let n = 0; n < 1_200; n++) {
      const infohash = n.toString(16).padStart(40, '0')
      await writeFile(join(store, `${infohash}.json`), JSON.stringify({ ...gone, infohash }))
    }
    const rig = new Rig()
    await using seeder = await rig.start(scratch.path)
    assert.equal(seeder.served().missing.length, 1_200)
    assert.deepEqual(
      rig.portal.presences.slice(0, 3).map(({ complete, missing }) => [complete.length, missing?.length]),
      [
        [1, 500],
        [0, 500],
        [0, 200],
      ],
    )
  })

  it('flags a changed release within five seconds, and serves it again when it is as it was', async () => {
    await using scratch = await scratchFolder()
    const file = join(scratch.path, 'content/a')
    await makeTree(scratch.path, 'change', { 'content/a': 70_000, 'content/b': 10 })
    const { record } = await storeRelease(scratch.path, join(scratch.path, 'content'), { place: PLACE })
    const rig = new Rig()
    await using seeder = await rig.start(scratch.path)
    await rename(file, `${file}.away`)
    assert.ok(await withinSeconds(rig.clock, 5, () => seeder.served().missing.length === 1))
    assert.deepEqual(seeder.served().missing, [{ infohash: record.infohash, reason: '"a" is gone' }])
    assert.deepEqual(rig.engine.seeded(), [])
    await until(rig.clock, () => rig.portal.presences.at(-1)?.missing?.length === 1)

    await rename(`${file}.away`, file)
    await until(rig.clock, () => rig.engine.seeded().length === 1)
    await appendFile(file, 'x')
    await until(rig.clock, () => rig.engine.seeded().length === 0)
    assert.equal(seeder.served().missing[0]?.reason, '"a" was changed after it was published')
  })

  it('stops serving bytes that rotted under an untouched file, for good', async () => {
    await using scratch = await scratchFolder()
    const file = join(scratch.path, 'content/a')
    await makeTree(scratch.path, 'rot', { 'content/a': 70_000 })
    const { record } = await storeRelease(scratch.path, join(scratch.path, 'content'), { place: PLACE })
    const { atime, mtime } = await stat(file)
    const rig = new Rig()
    {
      await using seeder = await rig.start(scratch.path)
      await utimes(file, atime, mtime) // the stamp that was stored has nanoseconds: this is another
      await until(rig.clock, () => seeder.served().missing.length === 1)
    }
    await storeRelease(scratch.path, join(scratch.path, 'content'), { place: PLACE })
    {
      await using seeder = await rig.start(scratch.path)
      await until(rig.clock, () => rig.engine.seeded().length === 1)
      rig.engine.tell(record.infohash, { kind: 'content-changed', landingPath: 'content/a', reason: 'hash' })
      await until(rig.clock, () => seeder.served().missing.length === 1)
      assert.match(seeder.served().missing[0]?.reason ?? '', /no longer those/)
    }
    await using again = await rig.start(scratch.path)
    assert.deepEqual(rig.engine.seeded(), [])
    assert.equal(again.served().missing.length, 1)
  })

  it('picks up what another process publishes into the same data folder', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'other', { 'content/a': 70_000 })
    const rig = new Rig()
    await using _seeder = await rig.start(scratch.path)
    const { record } = await storeRelease(scratch.path, join(scratch.path, 'content'), { place: PLACE })
    await until(rig.clock, () => rig.engine.seeded().includes(record.infohash))
    await until(rig.clock, () => rig.portal.presences.at(-1)?.complete.includes(record.infohash) === true)
  })

  it('stops serving a recalled release, also after a restart', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'recall', { 'content/a': 70_000 })
    const { record } = await storeRelease(scratch.path, join(scratch.path, 'content'), { place: PLACE })
    const rig = new Rig()
    {
      await using seeder = await rig.start(scratch.path)
      rig.tell({ kind: 'recalled', infohash: record.infohash })
      await until(rig.clock, () => rig.engine.seeded().length === 0)
      assert.deepEqual(seeder.served(), { complete: [], partial: [], missing: [] })
    }
    await using _again = await rig.start(scratch.path)
    assert.deepEqual(rig.engine.seeded(), [])
  })

  it('goes on when the portal does not answer, and tells it when it does', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'deaf', { 'content/a': 70_000 })
    const { record } = await storeRelease(scratch.path, join(scratch.path, 'content'), { place: PLACE })
    const rig = new Rig()
    rig.portal.failure = new ShoalError('unavailable', 'the portal does not answer')
    await using _seeder = await rig.start(scratch.path)
    assert.deepEqual(rig.engine.seeded(), [record.infohash])
    rig.portal.failure = undefined
    await until(rig.clock, () => rig.portal.presences.length > 0)
    assert.ok(rig.clock.now() <= seconds(60))
  })

  it('says that it leaves, and leaves nothing in the engine', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'leave', { 'content/a': 70_000 })
    await storeRelease(scratch.path, join(scratch.path, 'content'), { place: PLACE })
    const rig = new Rig()
    const seeder = await rig.start(scratch.path)
    await seeder[Symbol.asyncDispose]()
    assert.equal(rig.portal.presences.at(-1)?.stopping, true)
    assert.equal(rig.engine.torrents.size, 0)
    assert.equal(rig.clock.timers, 0)
  })
})

describe('A release that is wanted', () => {
  /** Lists a release of `sizeBytes` at the rig's portal, made in another data folder. */
  async function listElsewhere(rig: Rig, folder: string, sizeBytes: number): Promise<InfoHash> {
    await makeTree(folder, 'elsewhere', { 'film.bin': sizeBytes })
    const { torrent } = await storeRelease(join(folder, 'data'), join(folder, 'film.bin'))
    return list(rig, torrent)
  }

  async function list(rig: Rig, torrent: Pick<Torrent, 'infoHash' | 'infoBytes'>): Promise<InfoHash> {
    const { bundle } = await rig.portal.createBundle({ title: 'film' })
    await rig.portal.addRelease(bundle, encodeTorrent({ infoBytes: torrent.infoBytes, announce: [] }), {})
    return torrent.infoHash
  }

  it('is fetched with a grant, then served and reported', async () => {
    await using scratch = await scratchFolder()
    const rig = new Rig()
    const hash = await listElsewhere(rig, join(scratch.path, 'elsewhere'), 90_000)
    const dataDir = join(scratch.path, 'data')
    await using seeder = await rig.start(dataDir)
    rig.tell({ kind: 'wanted', infohash: hash })
    await until(rig.clock, () => rig.engine.torrents.has(hash))
    const spec = rig.engine.torrents.get(hash)
    assert.equal(spec?.mode, 'download')
    assert.equal(spec.folder, join(dataDir, 'seeder/content', hash))
    assert.deepEqual(spec.announceUrls?.(), [['http://portal.test/announce?g=grant']])
    await until(rig.clock, () => rig.portal.presences.at(-1)?.partial?.includes(hash) === true)

    await writeFile(join(spec.folder, 'film.bin'), seededBytes('elsewhere/film.bin', 90_000))
    rig.engine.tell(hash, { kind: 'complete' })
    await until(rig.clock, () => rig.engine.seeded().includes(hash))
    await until(rig.clock, () => rig.portal.listing().includes('film@1 live'))
    assert.deepEqual(seeder.served(), { complete: [hash], partial: [], missing: [] })
    // its media were looked for, too: there are none
    await until(rig.clock, () => existsSync(join(dataDir, 'seeder/media.txt')))
  })

  it('is told as missing, with the reason, while the disk has no room for it', async () => {
    await using scratch = await scratchFolder()
    const rig = new Rig()
    const pieces = 190_000
    const files = [{ path: '', sizeBytes: pieces * 16 * MiB }] // three terabytes
    const shape = { name: 'huge.bin', pieceLength: 16 * MiB, isSingleFile: true, isPrivate: true }
    const infoBytes = encodeInfo({ ...shape, pieces: new Uint8Array(20 * pieces), files })
    const hash = await list(rig, { infoHash: parseInfo(infoBytes).infoHash, infoBytes })
    await using seeder = await rig.start(join(scratch.path, 'data'))
    rig.tell({ kind: 'wanted', infohash: hash })
    await until(rig.clock, () => seeder.served().missing.length === 1)
    assert.match(seeder.served().missing[0]?.reason ?? '', /no room for it: 3\.\d+ TB needed/)
    await until(rig.clock, () => rig.portal.listing().includes('film@1 missing'))
    assert.equal(rig.engine.torrents.size, 0)
  })

  it('is served from where it is when it was published here and a crash kept the portal from telling', async () => {
    await using scratch = await scratchFolder()
    const rig = new Rig()
    const folder = join(scratch.path, 'elsewhere')
    const hash = await listElsewhere(rig, folder, 90_000)
    await using _seeder = await rig.start(join(folder, 'data'))
    rig.tell({ kind: 'wanted', infohash: hash })
    await until(rig.clock, () => rig.engine.seeded().includes(hash))
    assert.equal(rig.engine.torrents.get(hash)?.folder, folder)
  })

  it('is given up when the seeder stops', async () => {
    await using scratch = await scratchFolder()
    const rig = new Rig()
    const hash = await listElsewhere(rig, join(scratch.path, 'elsewhere'), 90_000)
    const seeder = await rig.start(join(scratch.path, 'data'))
    rig.tell({ kind: 'wanted', infohash: hash })
    await until(rig.clock, () => rig.engine.torrents.has(hash))
    await seeder[Symbol.asyncDispose]()
    assert.equal(rig.engine.torrents.size, 0)
    assert.equal(rig.clock.timers, 0)
  })
})
