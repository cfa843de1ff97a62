/**
 * What a hostile tracker answers, to our engine that really runs: each answer ends as a failure or a bounded reply, and
 * an honest download beside goes on.
 */
import assert from 'node:assert/strict'
import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MiB } from '../../../src/core/units.ts'
import { CONTENT, DirectOrigin } from '../../faults/support/direct-origin.ts'
import { Child, until } from '../../support/processes.ts'
import { eventsOf, untilEvent } from '../../support/processes-shoal.ts'
import { digestsOf } from '../../support/tree.ts'
import type { EngineOrder } from './engine-child.ts'
import { HostileTracker } from './hostile-tracker.ts'
import { RSS_BYTES_MAX, Watched } from './watched.ts'

const CHILD = join(import.meta.dirname, 'engine-child.ts')
const FILES = { 'film.mp4': 24 * MiB + 1, 'note.txt': 12 }

/**
 * The engine starts with the suite around these: it waits for trackers that never end their answers while others are
 * attacked.
 */
export function attacksOnEngine(): void {
  const stack = new AsyncDisposableStack()
  let out: string
  let origin: DirectOrigin
  let tracker: HostileTracker
  let engine: Watched

  before(async () => {
    const dir = await mkdtemp(join(tmpdir(), 'shoal-live-'))
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    out = join(dir, 'out')
    await mkdir(out)
    origin = stack.use(await DirectOrigin.start(dir, { files: FILES, limitUp: 8 * MiB }))
    tracker = stack.use(await HostileTracker.start())
    tracker.name(origin.peerPort)
    const hostile = Object.fromEntries(tracker.cases.map((name) => [name, tracker.urlOf(name)]))
    const order: EngineOrder = {
      hostile,
      honest: tracker.urlOf('honest'),
      torrentFile: origin.torrentFile,
      out,
    }
    const argv = [process.execPath, CHILD, JSON.stringify(order)]
    engine = stack.use(new Watched(join(dir, 'probe'), (env) => new Child({ argv, env })))
    await untilEvent(engine.child, 'running', AbortSignal.timeout(60_000))
    await engine.beginWatching()
    engine.child.kill('SIGUSR2')
  })
  after(() => stack.disposeAsync())

  describe('our engine, answered by hostile trackers', function () {
    this.timeout(90_000)

    it('downloads what an honest one offers meanwhile', async () => {
      await untilEvent(engine.child, 'done', AbortSignal.timeout(60_000))
      assert.deepEqual(await digestsOf(join(out, CONTENT)), await digestsOf(origin.content))
    })

    it('makes something of every answer within the time that a request may take, and says what in one line', async () => {
      assert.ok(tracker.cases.length > 40, String(tracker.cases.length))
      const heard = (name: string) =>
        eventsOf(engine.child).find((event) => event.event === 'tracker' && event['case'] === name)
      for (const name of tracker.cases) {
        const event = await until(`an end of "${name}"`, () => heard(name), AbortSignal.timeout(40_000))
        const isRead = event['kind'] === 'announced' || event['kind'] === 'announce-refused'
        assert.equal(isRead, name.startsWith('read-'), `${name}: ${JSON.stringify(event)}`)
        assert.match(String(event['reason']), /^[^\p{Cc}]{0,600}$/u, name)
      }
    })

    it('asks none of them again and again', () => {
      for (const [name, times] of tracker.asked) assert.ok(times <= 10, `${name}: ${times} times`)
    })

    it('has kept its promises all the while', async () => {
      engine.mustHaveKeptItsPromises('an engine, answered by hostile trackers', RSS_BYTES_MAX)
      engine.child.kill('SIGTERM')
      assert.deepEqual(await engine.child.exited, { code: 0, signal: null }, engine.child.transcript())
    })
  })
}
