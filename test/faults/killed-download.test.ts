/** Promise 6: `shoal get`, killed at random points, then run again. */
import assert from 'node:assert/strict'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as wait } from 'node:timers/promises'
import { KiB, MiB } from '../../src/core/units.ts'
import { recordFigures } from '../support/figures.ts'
import { startShoal, untilEvent } from '../support/processes-shoal.ts'
import { until } from '../support/processes.ts'
import { digestsOf } from '../support/tree.ts'
import { CONTENT, DirectOrigin } from './support/direct-origin.ts'
import { Points } from './support/points.ts'

/** More than may be fetched again, so that beginning anew is noticed. */
const FILES = {
  'film.mp4': 20 * MiB + 77,
  'slides/1.pdf': 6 * MiB,
  'slides/2.pdf': 333 * KiB,
  'note.txt': 12,
}
const SIZE_BYTES = Object.values(FILES).reduce((a, b) => a + b, 0)
const REFETCHED_BYTES_MAX = 16 * MiB
/** A download takes about a second: chance then meets every part of it. */
const RATE = 30 * MiB

describe('A download that is killed', function () {
  this.timeout(0)
  const stack = new AsyncDisposableStack()
  let dir: string
  let origin: DirectOrigin

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shoal-faults-'))
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    origin = stack.use(await DirectOrigin.start(dir, { files: FILES, limitUp: RATE }))
  })
  after(() => stack.disposeAsync())

  it('at any point, run again, ends with equal files and fetches at most 16 MiB twice', async () => {
    const points = new Points('kill -9 of get', { inCi: 8, long: 100 })
    const expected = await digestsOf(origin.content)
    let refetchedMost = 0
    let resumedMs = 0
    let finished = 0
    for (let n = 0; n < points.count; n++) {
      const where = { dataDir: join(dir, `data-${n}`) }
      const out = join(dir, `out-${n}`)
      const get = ['get', origin.torrentFile, '--out', out, '--bind', '127.0.0.2', '--peer-port', '0']
      const before = origin.sentBytes
      const signal = AbortSignal.timeout(120_000)
      {
        // Now by time (its start, the look at what is there), now by bytes, the last of them included.
        await using victim = startShoal(where, ...get)
        if (points.next() < 0.25) {
          await wait(points.ms(800))
        } else {
          const enough = points.next() * SIZE_BYTES
          while (origin.sentBytes - before < enough && !victim.hasExited) await wait(2)
          await wait(points.ms(4))
        }
        victim.kill('SIGKILL')
        await victim.exited
      }
      const startedAt = performance.now()
      await using again = startShoal(where, ...get)
      await again.untilLine(
        (line) => line.includes('"downloading"') || line.includes('"done"') || undefined,
        signal,
      )
      resumedMs = Math.max(resumedMs, performance.now() - startedAt)
      await untilEvent(again, 'done', signal)
      assert.deepEqual(await again.exited, { code: 0, signal: null }, again.transcript())
      assert.deepEqual(await digestsOf(join(out, CONTENT)), expected)
      const refetched = origin.sentBytes - before - SIZE_BYTES
      assert.ok(refetched <= REFETCHED_BYTES_MAX, `${refetched} bytes were sent twice`)
      refetchedMost = Math.max(refetchedMost, refetched)
      finished++
      await rm(out, { recursive: true })
      await until('its connection to be gone', () => origin.handle.peers().length === 0 || undefined, signal)
    }
    const figures = { killed: points.count, finished, refetchedBytesMax: refetchedMost, resumedMsMax: Math.round(resumedMs) } // prettier-ignore
    recordFigures('kill -9 of get', figures, 6)
  })
})
