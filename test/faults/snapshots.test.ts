/**
 * Promise 19: what the portal has acknowledged survives `kill -9` and a power cut. While a release is published and
 * links are made and revoked as fast as they are answered, the process is stopped at a random point; what it had
 * answered by then must be there after a start on what the disk holds.
 */
import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import Sqlite from 'better-sqlite3'
import { releaseName, slug, type GrantId } from '../../src/core/ids.ts'
import { KiB, MiB } from '../../src/core/units.ts'
import { PortalClient } from '../../src/portal-client/index.ts'
import { recordFigures } from '../support/figures.ts'
import { needs } from '../support/needs.ts'
import { startShoal, untilEvent } from '../support/processes-shoal.ts'
import { until, type Child } from '../support/processes.ts'
import { digestsOf, seededBytes } from '../support/tree.ts'
import { CRASH_DISK_NEEDS, CrashDisk, type Mounted } from './support/crash-disk.ts'
import { CONTENT, DirectOrigin } from './support/direct-origin.ts'
import { Points } from './support/points.ts'

const DISK_BYTES = 48 * MiB
const WORKERS = 4
const ROUNDS_A_DISK = 20
const RELEASE = releaseName('1')

/** What was answered. */
interface Acknowledged {
  readonly bundle: string
  readonly granted: GrantId[]
  readonly revoked: GrantId[]
  published: boolean
}

/** What was acknowledged at a crash, and the disk of that moment. */
interface Crash extends Acknowledged {
  readonly snapshot: Mounted | undefined
}

interface Running {
  readonly up: Child
  readonly client: PortalClient
}

async function startOn(disk: string): Promise<Running> {
  const dataDir = join(disk, 'data')
  const up = startShoal({ dataDir }, 'up', '--listen', '127.0.0.1:0', '--peer-port', '0')
  const { portal } = await untilEvent(up, 'ready', AbortSignal.timeout(30_000))
  const token = (await readFile(join(dataDir, 'admin.token'), 'utf8')).trim()
  return { up, client: new PortalClient({ baseUrl: String(portal), token }) }
}

function untilLive({ client }: Running, bundle: string, signal: AbortSignal): Promise<true> {
  const look = async (): Promise<true | undefined> =>
    (await client.release(slug(bundle), RELEASE)).state === 'live' || undefined
  return until(`${bundle} to be live`, look, signal)
}

describe('What was acknowledged', function () {
  this.timeout(0)
  const stack = new AsyncDisposableStack()
  let dir: string

  before(async function () {
    needs(this, ...CRASH_DISK_NEEDS)
    dir = await mkdtemp(join(tmpdir(), 'shoal-faults-'))
    stack.defer(() => rm(dir, { recursive: true, force: true }))
  })
  after(() => stack.disposeAsync())

  it('of publishes, grants and revocations is there after kill -9, and on a snapshot of the disk', async () => {
    const points = new Points('crashes of up', { inCi: 4, long: 200 })
    const figures = { crashes: points.count, snapshots: 0, kills: 0, published: 0, granted: 0, revoked: 0 }
    // A disk of its own now and then: it need not be large for many rounds.
    for (let done = 0; done < points.count; done += ROUNDS_A_DISK) {
      await using disk = await CrashDisk.make(join(dir, `disk-${done}`), DISK_BYTES)
      let running = await startOn(disk.folder)
      try {
        for (let n = done; n < Math.min(done + ROUNDS_A_DISK, points.count); n++) {
          const was = await crash(disk, running, n)
          running = await startOn(disk.folder)
          if (was.snapshot === undefined) {
            await assertThere(running, disk.folder, was)
            continue
          }
          await using snapshot = was.snapshot
          const restored = await startOn(snapshot.folder)
          await using _up = restored.up
          await assertThere(restored, snapshot.folder, was)
        }
      } finally {
        await running.up[Symbol.asyncDispose]()
      }
    }
    assert.ok(figures.granted > 0 && figures.revoked > 0, 'something was acknowledged')
    recordFigures('crashes of up', figures, 19)

    /** Gives what had been acknowledged; every other time with a snapshot of the disk as it was then. */
    async function crash(disk: CrashDisk, { up, client }: Running, n: number): Promise<Crash> {
      const bundle = `film-${n}`
      const path = join(dir, bundle)
      await writeFile(path, seededBytes(path, 300 * KiB))
      const known = { bundle, granted: new Array<GrantId>(), revoked: new Array<GrantId>(), published: false }
      const [isAtPublish, ms] = [points.next() < 0.5, points.ms(2_500)]
      const stopped = new AbortController()
      const acts = [publish(disk.folder, path, known, stopped.signal)]
      const older = `film-${Math.max(0, n - 1)}`
      for (let i = 0; i < WORKERS; i++) acts.push(grantAndRevoke(client, older, known, stopped.signal))
      // At any moment, or in the moment after the release was told to be there.
      if (isAtPublish) await acts[0]
      else await wait(ms)
      const isSnapshot = n % 2 === 0
      up.kill(isSnapshot ? 'SIGSTOP' : 'SIGKILL')
      const then = { ...known, granted: [...known.granted], revoked: [...known.revoked] }
      const snapshot = isSnapshot ? await disk.snapshot() : undefined
      stopped.abort()
      up.kill('SIGKILL')
      await Promise.all([up.exited, ...acts])
      figures[isSnapshot ? 'snapshots' : 'kills']++
      return { ...then, snapshot }
    }

    async function assertThere(running: Running, disk: string, was: Acknowledged): Promise<void> {
      const rows = grantsIn(disk)
      for (const id of was.granted) assert.ok(rows.has(id), `grant ${id} is gone`)
      for (const id of was.revoked) assert.equal(rows.get(id), true, `the revocation of ${id} is gone`)
      if (was.published) await untilLive(running, was.bundle, AbortSignal.timeout(20_000))
      figures.published += Number(was.published)
      figures.granted += was.granted.length
      figures.revoked += was.revoked.length
    }
  })

  it('of a download is there on a snapshot of the disk, every byte and the record of it', async () => {
    const points = new Points('crashes after get', { inCi: 2, long: 40 })
    const files = { 'film.mp4': 4 * MiB + 7, 'slides/1.pdf': 300 * KiB, 'slides/empty': 0 }
    await using origin = await DirectOrigin.start(join(dir, 'origin'), { files, limitUp: 100 * MiB })
    const expected = await digestsOf(origin.content)
    await using disk = await CrashDisk.make(join(dir, 'disk-of-get'), DISK_BYTES)
    for (let n = 0; n < points.count; n++) {
      const [data, out] = [`data-${n}`, `out-${n}`]
      const args = ['get', origin.torrentFile, '--bind', '127.0.0.2', '--seed', 'forever']
      await using get = startShoal(
        { dataDir: join(disk.folder, data) },
        ...args,
        '--out',
        join(disk.folder, out),
      )
      await untilEvent(get, 'done', AbortSignal.timeout(30_000))
      get.kill('SIGSTOP')
      await using snapshot = await disk.snapshot()
      get.kill('SIGKILL')
      assert.deepEqual(await digestsOf(join(snapshot.folder, out, CONTENT)), expected)
      for (const name of [data, out]) await rm(join(disk.folder, name), { recursive: true })
    }
    recordFigures('crashes after get', { crashes: points.count, whole: points.count })
  })
})

async function publish(disk: string, path: string, known: Acknowledged, signal: AbortSignal): Promise<void> {
  await using child = startShoal({ dataDir: join(disk, 'data') }, 'publish', path, '--title', known.bundle)
  try {
    await untilEvent(child, 'published', signal)
    known.published = true
  } catch {
    child.kill('SIGKILL') // it waits for a portal that is no more
  }
}

/** Makes links of a release and revokes every other one, until the portal is gone. */
async function grantAndRevoke(
  client: PortalClient,
  bundle: string,
  known: Acknowledged,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    try {
      const { grant } = await client.createLink(slug(bundle), RELEASE, {}, signal)
      known.granted.push(grant.id)
      if (known.granted.length % 2 === 0) continue
      await client.revokeGrant(grant.id, signal)
      known.revoked.push(grant.id)
    } catch {
      await wait(20) // not listed yet, or crashed
    }
  }
}

/** Grant -> whether it is revoked. */
function grantsIn(disk: string): Map<string, boolean> {
  const db = new Sqlite(join(disk, 'data', 'portal.sqlite'), { readonly: true })
  try {
    const rows = db
      .prepare<[], { id: string; revoked_at: number | null }>('select id, revoked_at from grants')
      .all()
    return new Map(rows.map((row) => [row.id, row.revoked_at !== null]))
  } finally {
    db.close()
  }
}
