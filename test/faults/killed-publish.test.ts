/** Promise 5: `shoal publish`, and `shoal up` with a library, killed while something is being published. */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { ShoalError } from '../../src/core/errors.ts'
import { slug, type InfoHash } from '../../src/core/ids.ts'
import { MiB } from '../../src/core/units.ts'
import { PortalClient } from '../../src/portal-client/index.ts'
import type { BundleDetail } from '../../src/wire/api.ts'
import { storeRelease } from '../seeder/support/stored-release.ts'
import { recordFigures } from '../support/figures.ts'
import { eventsOf, startShoal, untilEvent } from '../support/processes-shoal.ts'
import { until, type Child } from '../support/processes.ts'
import { makeTree, seededBytes } from '../support/tree.ts'
import { Points } from './support/points.ts'

const READY_AGAIN_MS = 10_000
/** Enough to be met while it is hashed. */
const FILES = { 'film.mp4': 16 * MiB + 5, 'notes/one.txt': 77 }
/** Publishes that are killed at the same time, each with its own content. */
const LANES = 5

describe('A publish that is killed', function () {
  this.timeout(0)
  const stack = new AsyncDisposableStack()
  let dir: string
  let up: Child
  let client: PortalClient
  let listen = '127.0.0.1:0'

  const dataDir = (): string => join(dir, 'data')
  const logFile = (): string => join(dir, 'up.log')
  const library = (): string => join(dir, 'library')

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shoal-faults-'))
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    stack.defer(() => up[Symbol.asyncDispose]())
    await mkdir(library())
    await startUp()
  })
  afterEach(function () {
    if (this.currentTest?.state === 'failed') console.error(up.transcript())
  })
  after(() => stack.disposeAsync())

  /** Gives how long it took to be ready. */
  async function startUp(): Promise<number> {
    const startedAt = performance.now()
    const flags = ['--library', library(), '--listen', listen, '--peer-port', '0']
    up = startShoal({ dataDir: dataDir(), logFile: logFile() }, 'up', ...flags)
    const { portal } = await untilEvent(up, 'ready', AbortSignal.timeout(30_000))
    const token = (await readFile(join(dataDir(), 'admin.token'), 'utf8')).trim()
    client = new PortalClient({ baseUrl: String(portal), token })
    listen = new URL(String(portal)).host
    return performance.now() - startedAt
  }

  /** Absent, or a bundle with one whole release, or one that waits for its release: never half of one. */
  async function absentOrWhole(bundle: string, expected: InfoHash): Promise<BundleDetail | undefined> {
    let detail: BundleDetail
    try {
      detail = await client.bundle(slug(bundle))
    } catch (error) {
      if (error instanceof ShoalError && error.code === 'not-found') return undefined
      throw error
    }
    const [release, ...more] = detail.releases
    assert.deepEqual(more, [], 'one release, however often it was begun')
    if (release === undefined) return detail
    assert.equal(release.infohash, expected)
    assert.ok((await client.torrentOf(detail.bundle, release.name)).length > 0)
    return detail
  }

  async function untilLive(bundle: string, expected: InfoHash): Promise<void> {
    const look = async (): Promise<true | undefined> =>
      (await absentOrWhole(bundle, expected))?.releases[0]?.state === 'live' || undefined
    await until(`${bundle} to be live`, look, AbortSignal.timeout(60_000))
    await assert.rejects(client.bundle(slug(`${bundle}-2`)), /no such bundle/)
  }

  it('leaves a release absent or complete; run again it goes on within ten seconds and hashes nothing twice', async () => {
    const points = new Points('kill -9 of publish', { inCi: 20, long: 400 })
    const plans = Array.from({ length: points.count }, (_, n) => ({
      n,
      stage: points.pick(['', '', 'looking', 'hashing', 'listing', 'replicating']),
      ms: points.ms(1_000),
    }))
    const figures = { killed: points.count, absent: 0, listed: 0, notHashedAgain: 0, againMsMax: 0 }

    async function one({ n, stage, ms }: (typeof plans)[number]): Promise<void> {
      const path = join(dir, `course-${n}`)
      const bundle = `course-${n}`
      await makeTree(path, bundle, FILES)
      const { infoHash } = (await storeRelease(join(dir, `reference-${n}`), path)).torrent
      const publish = ['publish', path, '--title', bundle]
      const signal = AbortSignal.timeout(60_000)
      {
        await using victim = startShoal({ dataDir: dataDir() }, ...publish)
        if (stage === '') await Promise.race([wait(ms), victim.exited])
        else {
          await victim
            .untilLine((line) => line.includes(`"${stage}"`) || undefined, signal)
            .catch(() => undefined)
          await wait(ms / 50)
        }
        victim.kill('SIGKILL')
        await victim.exited
      }
      const left = await absentOrWhole(bundle, infoHash)
      if (left?.releases[0] === undefined) figures.absent++
      else figures.listed++
      const isHashed = existsSync(join(dataDir(), 'seeder', 'releases', `${infoHash}.json`))

      const startedAt = performance.now()
      await using again = startShoal({ dataDir: dataDir() }, ...publish)
      const published = await untilEvent(again, 'published', signal)
      const againMs = Math.round(performance.now() - startedAt)
      assert.equal(published.infohash, infoHash)
      await untilLive(bundle, infoHash)
      assert.ok(againMs <= READY_AGAIN_MS, `${againMs} ms`)
      figures.againMsMax = Math.max(figures.againMsMax, againMs)
      if (isHashed) {
        assert.ok(!eventsOf(again).some((e) => e.state === 'hashing'), again.transcript())
        figures.notHashedAgain++
      }
      await rm(path, { recursive: true })
    }
    const lane = async (): Promise<void> => {
      for (let next = plans.shift(); next !== undefined; next = plans.shift()) await one(next)
    }
    await Promise.all(Array.from({ length: LANES }, lane))
    recordFigures('kill -9 of publish', figures, 5)
  })

  it('with the origin that publishes its library is ready again within ten seconds, with all that it had', async () => {
    const points = new Points('kill -9 of up', { inCi: 5, long: 100 })
    const expected = new Map<string, InfoHash>()
    let readyMsMax = 0
    for (let n = 0; n < points.count; n++) {
      const path = join(library(), `film-${n}`)
      await writeFile(path, seededBytes(path, 8 * MiB))
      expected.set(`film-${n}`, (await storeRelease(join(dir, 'reference'), path)).torrent.infoHash)
      await wait(points.ms(3_500)) // it settles, is hashed, listed and served
      up.kill('SIGKILL')
      await up.exited
      readyMsMax = Math.max(readyMsMax, Math.round(await startUp()))
      for (const [bundle, hash] of expected) await absentOrWhole(bundle, hash)
    }
    for (const [bundle, hash] of expected) await untilLive(bundle, hash)
    const log = (await readFile(logFile(), 'utf8')).split('\n')
    for (const entry of expected.keys()) {
      const times = log.filter((line) => line.includes('"published"') && line.includes(`"entry":"${entry}"`))
      assert.ok(times.length <= 1, times.join('\n'))
    }
    assert.ok(readyMsMax <= READY_AGAIN_MS, `${readyMsMax} ms`)
    recordFigures('kill -9 of up', { killed: points.count, releases: expected.size, readyMsMax }, 5)
  })
})
