/** Promise 11, and what else lies on a disk that can fill up: the database and the log of a portal. */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { KiB, MiB } from '../../src/core/units.ts'
import { recordFigures } from '../support/figures.ts'
import { needs } from '../support/needs.ts'
import { eventsOf, shoal, startShoal, untilEvent, type ShoalWhere } from '../support/processes-shoal.ts'
import { until, type Child } from '../support/processes.ts'
import { digestsOf, seededBytes } from '../support/tree.ts'
import { CONTENT, DirectOrigin } from './support/direct-origin.ts'
import { Points } from './support/points.ts'
import { assertSaid } from './support/said.ts'
import { DISK_NEEDS, SmallDisk } from './support/small-disk.ts'

const PAUSED_WITHIN_MS = 1_000
const RESUMED_WITHIN_MS = 10_000
/** Less than what a first start writes. */
const FIRST_START_BYTES = 300 * KiB

describe('A disk that fills up', function () {
  this.timeout(90_000)
  const stack = new AsyncDisposableStack()
  let dir: string

  before(async function () {
    needs(this, ...DISK_NEEDS)
    dir = await mkdtemp(join(tmpdir(), 'shoal-faults-'))
    stack.defer(() => rm(dir, { recursive: true, force: true }))
  })
  after(() => stack.disposeAsync())

  describe('under a download', () => {
    const files = { 'film.mp4': 20 * MiB + 77, 'slides/1.pdf': 4 * MiB }
    let origin: DirectOrigin
    before(async () => {
      origin = stack.use(await DirectOrigin.start(dir, { files, limitUp: 30 * MiB }))
    })

    it('pauses it within a second with the reason; with room again it goes on within ten, and no byte is wrong', async () => {
      const signal = AbortSignal.timeout(80_000)
      await using disk = await SmallDisk.mount(join(dir, 'disk'), 40 * MiB)
      await disk.fill(10 * MiB)
      const out = join(disk.folder, 'out')
      await using get = startShoal({ dataDir: join(disk.folder, 'data') }, ...getArgs(origin, out))
      while ((await disk.freeBytes()) > 0 && !get.hasExited) await wait(2)
      const fullAt = performance.now()
      await untilNote(get, /^paused: the disk is full, it goes on when there is room$/, signal)
      const pausedMs = Math.round(performance.now() - fullAt)

      const stalled = await untilEvent(get, 'stalled', signal)
      assert.equal(stalled.reason, 'paused: the disk is full, it goes on when there is room')
      assert.equal(await disk.freeBytes(), 0)
      await disk.free()
      const roomAt = performance.now()
      await untilNote(get, /^there is room again: going on$/, signal)
      const resumedMs = Math.round(performance.now() - roomAt)
      const done = await untilEvent(get, 'done', signal)
      assert.deepEqual(await get.exited, { code: 0, signal: null }, get.transcript())
      assert.deepEqual(await digestsOf(join(out, CONTENT)), await digestsOf(origin.content))
      assert.ok(pausedMs <= PAUSED_WITHIN_MS, `${pausedMs} ms until it paused`)
      assert.ok(resumedMs <= RESUMED_WITHIN_MS, `${resumedMs} ms until it went on`)
      recordFigures('disk full under get', { pausedMs, resumedMs, wastedBytes: Number(done.wastedBytes) }, 11)
    })

    it('before it begins ends it with a sentence, and nothing is left half', async () => {
      await using disk = await SmallDisk.mount(join(dir, 'full'), MiB)
      await disk.fill()
      const out = join(dir, 'out-2')
      const get = (): ReturnType<typeof shoal> =>
        shoal({ dataDir: join(disk.folder, 'data') }, ...getArgs(origin, out))
      assertSaid(await get(), 1, /the disk is full: make room and run the same command again/)
      await disk.free()
      assert.equal((await get()).code, 0)
      assert.deepEqual(await digestsOf(join(out, CONTENT)), await digestsOf(origin.content))
    })
  })

  it('keeps a portal from its first start with a sentence; with room it starts, and its admin is let in', async () => {
    const points = new Points('first starts', { inCi: 3, long: 40 })
    await using disk = await SmallDisk.mount(join(dir, 'first'), 4 * MiB)
    for (let n = 0; n < points.count; n++) {
      const where = { dataDir: join(disk.folder, `data-${n}`) }
      const flags = ['up', '--listen', '127.0.0.1:0', '--peer-port', '0']
      await disk.fill(Math.floor(points.next() * FIRST_START_BYTES))
      const said = /the disk is full: make room and run the same command again/
      assertSaid(await shoal(where, ...flags), 1, said)
      await disk.free()
      await using up = startShoal(where, ...flags)
      await untilEvent(up, 'ready', AbortSignal.timeout(30_000))
      assert.equal((await shoal(where, 'token', 'create', 'ann')).code, 0)
      await up[Symbol.asyncDispose]()
      await rm(where.dataDir, { recursive: true })
    }
  })

  describe('under a portal', () => {
    let disk: SmallDisk
    let up: Child
    let library: string
    let where: ShoalWhere
    const logFile = (): string => join(disk.folder, 'up.log')
    /** Whole lines; what was being written when the disk became full may be half a one. */
    const lines = async (): Promise<{ lost?: number }[]> =>
      (await readFile(logFile(), 'utf8'))
        .split('\n')
        .filter((line) => line.startsWith('{') && line.endsWith('}'))
        .map((line) => JSON.parse(line) as { lost?: number })

    before(async () => {
      library = join(dir, 'library')
      await mkdir(library)
      await writeFile(join(library, 'one.bin'), seededBytes('one', MiB))
      disk = stack.use(await SmallDisk.mount(join(dir, 'portal'), 16 * MiB))
      where = { dataDir: join(disk.folder, 'data') }
      // As `shoal up 2>>up.log` in a shell: database and log share the disk.
      const argv = (own: readonly string[]): string[] => ['sh', '-c', 'exec "$@" 2>>"$0"', logFile(), ...own]
      const host = { name: 'here', address: '127.0.0.1', argv }
      const flags = ['--library', library, '--listen', '127.0.0.1:0', '--peer-port', '0']
      up = stack.use(startShoal({ ...where, host }, 'up', ...flags))
      await untilEvent(up, 'ready', AbortSignal.timeout(30_000))
      await until('the library', () => listed('one-bin'), AbortSignal.timeout(30_000))
    })

    async function listed(bundle: string): Promise<true | undefined> {
      const { code, events } = await shoal(where, 'list')
      assert.equal(code, 0)
      return events.some((e) => e.bundle === bundle) || undefined
    }

    it('leaves reading as it was, answers what would write with a sentence, and is forgotten with room', async () => {
      const before = await shoal(where, 'link', 'one-bin')
      assert.equal(before.code, 0)
      await disk.fill()
      const refused = await until(
        'the log of the database to be full',
        async () => {
          const ended = await shoal(where, 'link', 'one-bin')
          return ended.code === 0 ? undefined : ended
        },
        AbortSignal.timeout(30_000),
      )
      assertSaid(
        refused,
        1,
        /could not be written, the disk is full where the portal keeps its things: try again/,
      )
      const create = await shoal(where, 'token', 'create', 'ann')
      assertSaid(create, 1, /^shoal: the disk is full where the portal keeps its things: tell its operator/)
      assert.equal(await answer('POST'), 503)
      assert.equal(await answer('GET'), 200)
      assert.ok(await listed('one-bin'))

      await disk.free()
      const roomAt = performance.now()
      const writes = async (): Promise<true | undefined> =>
        (await shoal(where, 'link', 'one-bin')).code === 0 || undefined
      await until('links to be made again', writes, AbortSignal.timeout(RESUMED_WITHIN_MS))
      recordFigures('disk full under up', { writesAgainMs: Math.round(performance.now() - roomAt) }, 11)
      assert.equal((await shoal(where, 'token', 'create', 'ann')).code, 0)
      const grant = before.events.find((e) => e.event === 'link')?.grant
      assert.equal((await shoal(where, 'revoke', String(grant))).code, 0, 'what was acknowledged is there')
    })

    async function answer(method: 'GET' | 'POST'): Promise<number> {
      const token = (await readFile(join(where.dataDir, 'admin.token'), 'utf8')).trim()
      const { portal } = await untilEvent(up, 'ready')
      const made = method === 'GET' ? {} : { body: JSON.stringify({ title: 'Two', audience: ['everyone'] }) }
      const headers = { authorization: `Bearer ${token}`, 'content-type': 'application/json' }
      return (await fetch(`${String(portal)}/api/v1/bundles`, { method, headers, ...made })).status
    }

    it('costs lines of its log, which are counted, and nothing else', async () => {
      await disk.fill()
      // Each refusal is worth a line to the log.
      for (let n = 0; n < 3; n++) assert.equal(await answer('POST'), 503)
      assert.ok(await listed('one-bin'))
      await disk.free()
      await writeFile(join(library, 'two.bin'), seededBytes('two', MiB))
      const signal = AbortSignal.timeout(60_000)
      await until('what was put into the library then', () => listed('two-bin'), signal)
      await until(
        'a line that counts',
        async () => (await lines()).find((line) => Number(line.lost) > 0),
        signal,
      )
      assert.equal(up.hasExited, false)
    })
  })
})

const getArgs = (origin: DirectOrigin, out: string): string[] => [
  'get', origin.torrentFile, '--out', out, '--bind', '127.0.0.2', '--peer-port', '0',
] // prettier-ignore

async function untilNote(child: Child, text: RegExp, signal: AbortSignal): Promise<void> {
  await until(
    String(text),
    () => eventsOf(child).find((e) => e.event === 'note' && text.test(String(e.text))),
    signal,
  )
}
