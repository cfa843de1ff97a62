/** Portal, tracker and origin that are away: when a download begins, and in its middle. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MiB } from '../../src/core/units.ts'
import { FILE, Running } from '../e2e/running.ts'
import { recordFigures } from '../support/figures.ts'
import { eventsOf, startShoal, untilEvent } from '../support/processes-shoal.ts'
import { until, type Child } from '../support/processes.ts'
import { digestOf, digestsOf } from '../support/tree.ts'
import { CONTENT, DirectOrigin } from './support/direct-origin.ts'

const has = (child: Child, bytes: number): true | undefined =>
  eventsOf(child).some((e) => e.event === 'progress' && Number(e.bytes) >= bytes) || undefined

describe('A download', function () {
  this.timeout(120_000)
  const stack = new AsyncDisposableStack()
  after(() => stack.disposeAsync())

  it('does not notice that the tracker goes away in its middle', async () => {
    const dir = await mkdtemp(join(tmpdir(), 'shoal-faults-'))
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    await using origin = await DirectOrigin.start(dir, { files: { 'film.mp4': 8 * MiB }, limitUp: 4 * MiB })
    const args = ['get', origin.torrentFile, '--out', join(dir, 'out'), '--bind', '127.0.0.2']
    await using get = startShoal({ dataDir: join(dir, 'data') }, ...args)
    await until('the first bytes', () => origin.sentBytes > 0 || undefined, AbortSignal.timeout(30_000))
    origin.isTrackerDown = true
    assert.deepEqual(await get.exited, { code: 0, signal: null }, get.transcript())
    assert.equal(
      eventsOf(get).find((e) => e.event === 'stalled'),
      undefined,
    )
    assert.deepEqual(await digestsOf(join(dir, 'out', CONTENT)), await digestsOf(origin.content))
  })

  it('says why nothing moves while all are away, begins when they come, and outlives that they are killed', async () => {
    const signal = AbortSignal.timeout(110_000)
    const running = stack.use(await Running.start(signal, '--limit-up', '4MB'))
    const torrent = join(running.dir, 'file.torrent')
    assert.equal((await running.run('admin', 'link', FILE.bundle, '--torrent', torrent)).code, 0)
    running.up.kill('SIGKILL')
    await running.up.exited
    const { out } = running.person('far')
    const get = running.start('far', 'get', torrent, '--out', out, '--bind', '127.0.0.2')
    const stalled = await untilEvent(get, 'stalled', signal)
    assert.match(
      String(stalled.reason),
      /^the tracker does not answer \(.*ECONNREFUSED.*\): is the portal running, and is its address reachable from here\?$/,
    )

    const again = async (): Promise<Child> => {
      const listen = ['--listen', new URL(running.portal).host, '--peer-port', String(running.peerPort)]
      const flags = ['--library', running.library, ...listen, '--limit-up', '4MB']
      const up = stack.use(startShoal({ dataDir: running.dataDir }, 'up', ...flags))
      await untilEvent(up, 'ready', signal)
      return up
    }
    const up = await again()
    const backAt = performance.now()
    await until('bytes', () => has(get, 1), signal)
    const begunMs = Math.round(performance.now() - backAt)
    await until('a third', () => has(get, FILE.sizeBytes / 3), signal)
    up.kill('SIGKILL')
    await up.exited
    await again()
    const returnedAt = performance.now()
    const [bytes = 0] = eventsOf(get).filter((e) => e.event === 'progress').map((e) => Number(e.bytes)).slice(-1) // prettier-ignore
    // What is left may come within the second between two lines of progress.
    const isDone = (): true | undefined => eventsOf(get).some((e) => e.event === 'done') || undefined
    await until('more bytes', () => has(get, bytes + 1) ?? isDone(), signal)
    const goneOnMs = Math.round(performance.now() - returnedAt)
    assert.deepEqual(await get.exited, { code: 0, signal: null }, get.transcript())
    assert.equal(await digestOf(join(out, FILE.name)), await digestOf(join(running.library, FILE.name)))
    recordFigures('portal, tracker and origin away', { begunMs, goneOnMs })
  })
})
