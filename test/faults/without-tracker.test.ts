/** `shoal get` as a program, begun while its tracker is dead and there is no portal. */
import assert from 'node:assert/strict'
import { existsSync, readdirSync, statSync } from 'node:fs'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { MiB } from '../../src/core/units.ts'
import { startShoal } from '../support/processes-shoal.ts'
import { until } from '../support/processes.ts'
import { digestsOf } from '../support/tree.ts'
import { CONTENT, DirectOrigin } from './support/direct-origin.ts'

describe('A download that was killed', function () {
  this.timeout(120_000)

  it('is completed from the peer that it remembers, though no tracker answers any more', async () => {
    const signal = AbortSignal.timeout(110_000)
    const dir = await mkdtemp(join(tmpdir(), 'shoal-faults-'))
    await using stack = new AsyncDisposableStack()
    stack.defer(() => rm(dir, { recursive: true, force: true }))
    await using origin = await DirectOrigin.start(dir, { files: { 'film.mp4': 8 * MiB }, limitUp: 2 * MiB })
    const out = join(dir, 'out')
    const dataDir = join(dir, 'data')
    const args = ['get', origin.torrentFile, '--out', out, '--bind', '127.0.0.2']
    const peersFile = (): string | undefined => {
      const client = join(dataDir, 'client')
      if (!existsSync(client)) return undefined
      return readdirSync(client)
        .map((name) => join(client, name, 'peers'))
        .find((path) => existsSync(path))
    }
    await using first = startShoal({ dataDir }, ...args)
    const kept = await until('remembered peers', peersFile, signal)
    assert.equal(statSync(kept).mode & 0o077, 0, 'the keys in it are nobody else’s')
    await until('the first bytes', () => origin.sentBytes > 1 * MiB || undefined, signal)
    assert.ok(origin.sentBytes < 8 * MiB)
    first.kill('SIGKILL')
    await first.exited

    origin.isTrackerDown = true
    await using again = startShoal({ dataDir }, ...args)
    assert.deepEqual(await again.exited, { code: 0, signal: null }, again.transcript())
    assert.deepEqual(await digestsOf(join(out, CONTENT)), await digestsOf(origin.content))
  })
})
