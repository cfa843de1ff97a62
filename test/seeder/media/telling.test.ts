import assert from 'node:assert/strict'
import { copyFile, mkdir, readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ShoalError } from '../../../src/core/errors.ts'
import { releaseName, slug, type InfoHash } from '../../../src/core/ids.ts'
import { seededRandom } from '../../../src/core/random.ts'
import { silentLogger } from '../../../src/platform/log.ts'
import { ControlState } from '../../../src/portal-client/index.ts'
import { publish, startSeeder, type Seeder } from '../../../src/seeder/index.ts'
import type { Release } from '../../../src/wire/api.ts'
import { tellMedia } from '../../../src/seeder/media/tell-media.ts'
import { hostileInputs } from '../../support/corpus.ts'
import { ManualClock } from '../../support/manual-clock.ts'
import { needs } from '../../support/needs.ts'
import { mediaFile, type MediaName } from '../support/media-files.ts'
import { MemoryEngine } from '../support/memory-engine.ts'
import { MemoryPortal } from '../support/memory-portal.ts'
import { scratchFolder, type Scratch } from '../support/scratch.ts'
import { storeRelease } from '../support/stored-release.ts'
import { until, untilDone } from '../support/until.ts'

const PLACE = { bundle: slug('film'), release: releaseName('1') }

/** Counts what is asked of it. */
class WatchedPortal extends MemoryPortal {
  asked = 0
  described = 0
  refusal: ShoalError | undefined

  override release = async (...of: Parameters<MemoryPortal['releaseOf']>): Promise<Release> => {
    this.asked++
    return this.releaseOf(...of)
  }

  override describeRelease = async (...said: Parameters<MemoryPortal['describe']>): Promise<void> => {
    this.described++
    if (this.refusal !== undefined) throw this.refusal
    return this.describe(...said)
  }
}

describe('The media of what is published', function () {
  this.timeout(60_000)
  let scratch: Scratch
  let portal: WatchedPortal
  let clock: ManualClock

  before(function () {
    needs(this, 'ffmpeg')
  })
  beforeEach(async () => {
    scratch = await scratchFolder()
    portal = new WatchedPortal()
    clock = new ManualClock()
  })
  afterEach(() => scratch[Symbol.asyncDispose]())

  const start = (library?: string): Promise<Seeder> =>
    startSeeder(
      {
        clock,
        random: seededRandom(1),
        log: silentLogger,
        dataDir: join(scratch.path, 'data'),
        client: portal,
        control: new ControlState(),
        engine: new MemoryEngine(),
      },
      {
        audience: ['everyone'],
        rightsStatement: '',
        presenceKind: 'origin',
        ...(library === undefined ? {} : { library }),
      },
    )
  const only = (): Release | undefined => [...portal.bundles.values()][0]?.releases[0]
  const done = (): Promise<string> => readFile(join(scratch.path, 'data/seeder/media.txt'), 'utf8')

  /** A release that this origin holds in full, as after it was adopted. */
  const hold = async (name: MediaName | undefined): Promise<InfoHash> => {
    const folder = join(scratch.path, 'content')
    await mkdir(folder)
    const path = join(folder, 'film.mp4')
    if (name === undefined) await writeFile(path, 'no film')
    else await copyFile(mediaFile(name), path)
    const made = await storeRelease(join(scratch.path, 'data'), path, { place: PLACE })
    await portal.createBundle({ title: 'film' })
    await portal.addTorrent(PLACE.bundle, made.torrent)
    return made.record.infohash
  }

  it('are read by the origin once it has listed them, with a poster, and told once', async () => {
    const library = join(scratch.path, 'library')
    await mkdir(library)
    await copyFile(mediaFile('late.mp4'), join(library, 'Fire.mp4'))
    {
      await using _seeder = await start(library)
      await until(clock, () => only()?.hasPoster === true)
    }
    assert.equal(only()?.media?.kind, 'video')
    assert.equal(Math.round(only()?.media?.durationSeconds ?? 0), 2)
    assert.match(portal.warnings.join(), /end of the file/)
    assert.equal(await done(), `${only()?.infohash}\n`)
    const { asked } = portal
    await using _again = await start(library)
    assert.equal(portal.asked, asked)
  })

  it('are read of a release that came from elsewhere, and only what is not known of it', async () => {
    const hash = await hold('fast.mp4')
    await portal.describe(PLACE.bundle, PLACE.release, { kind: 'video', playsInBrowsers: false })
    await using _seeder = await start()
    await until(clock, () => only()?.hasPoster === true)
    assert.equal(portal.described, 0)
    await until(clock, () => portal.asked > 0)
    assert.equal((await untilDone(clock, waitForLine(hash))).trim(), hash)
  })

  it('are tried again when the portal is away, and not when it refuses', async () => {
    await hold('talk.mp3')
    portal.refusal = new ShoalError('unavailable', 'away')
    await using _seeder = await start()
    await until(clock, () => portal.described >= 2)
    portal.refusal = new ShoalError('not-granted', 'no')
    const before = portal.described
    await until(clock, () => portal.described > before)
    portal.refusal = undefined
    const refused = portal.described
    for (let n = 0; n < 100; n++) await until(clock, () => true)
    assert.equal(portal.described, refused)
    assert.equal(only()?.media, undefined)
  })

  it('are none where there are none, which is remembered as well', async () => {
    const hash = await hold(undefined)
    await using _seeder = await start()
    assert.equal((await untilDone(clock, waitForLine(hash))).trim(), hash)
    assert.equal(portal.described, 0)
  })

  it('are told without a picture where none can be made', async () => {
    const path = join(scratch.path, 'odd.mp4')
    const odd = hostileInputs('media').find(({ name }) => name.endsWith('codec-that-nobody-knows'))
    await writeFile(path, odd?.bytes ?? '')
    const made = await storeRelease(join(scratch.path, 'data'), path)
    await portal.createBundle({ title: 'film' })
    await portal.addTorrent(PLACE.bundle, made.torrent)
    assert.equal(await tellMedia({ portal }, PLACE, made.record), 'no-picture')
    assert.deepEqual([only()?.media?.kind, only()?.hasPoster], ['video', undefined])
  })

  it('are told by a publisher elsewhere while the release goes to an origin; a refusal fails nothing', async () => {
    for (const [n, refusal] of [undefined, new ShoalError('not-granted', 'an older portal')].entries()) {
      portal.refusal = refusal
      portal.bundles.clear()
      portal.torrents.clear()
      const engine = new MemoryEngine()
      const path = join(scratch.path, `film ${n}.mp4`)
      await copyFile(mediaFile('fast.mp4'), path)
      const { signal } = new AbortController()
      const publishing = publish(
        {
          clock,
          log: silentLogger,
          dataDir: join(scratch.path, `own ${n}`),
          client: portal,
          engine: () => Promise.resolve(engine),
        },
        {
          path,
          title: 'Film',
          audience: ['everyone'],
          tags: [],
          admit: 'any',
          rights: '',
          isLocalOrigin: false,
        },
        signal,
      )
      const before = portal.described
      await until(clock, () =>
        refusal === undefined ? only()?.hasPoster === true : portal.described > before,
      )
      await until(clock, () => engine.seeded().length > 0)
      await portal.reportPresence({
        peerId: engine.peerId,
        kind: 'origin',
        port: 1_024,
        complete: engine.seeded(),
      })
      assert.equal((await untilDone(clock, publishing)).seededFrom, 'here')
      assert.equal(only()?.media?.kind, refusal === undefined ? 'video' : undefined)
    }
  })

  async function waitForLine(hash: InfoHash): Promise<string> {
    for (;;) {
      const text = await done().catch(() => '')
      if (text.includes(hash)) return text
      await new Promise((resolve) => setImmediate(resolve))
    }
  }
})
