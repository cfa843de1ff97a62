import assert from 'node:assert/strict'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type MediaPlayer, startPlayer } from '../../src/cli/media-player.ts'
import { seconds } from '../../src/core/units.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { until } from '../support/processes.ts'

describe('A media player that is ended', () => {
  let dir: string
  let clock: ManualClock

  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shoal-player-'))
    clock = new ManualClock()
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  /** Resolves when the program has done `first`. */
  async function started(first: string): Promise<MediaPlayer> {
    const path = join(dir, 'mpv')
    await writeFile(path, `#!/bin/sh\n${first}\n: > "$SAID"\nexec sleep 600\n`, { mode: 0o755 })
    const said = join(dir, 'said')
    const player = await startPlayer(
      { name: 'mpv', path },
      { url: 'http://127.0.0.1:1/x', listPath: join(dir, 'play.m3u') },
      { env: { ...process.env, SAID: said }, clock },
    )
    await until('it runs', () => readFile(said), AbortSignal.timeout(15_000))
    return player
  }

  it('is gone when it does as it is told, and no timer is left', async () => {
    const player = await started('')
    await player[Symbol.asyncDispose]()
    await player.closed
    assert.equal(clock.timers, 0)
  })

  it('is killed when it will not hear', async () => {
    const player = await started("trap '' TERM")
    const ending = player[Symbol.asyncDispose]()
    clock.advance(seconds(3))
    await ending
    await player.closed
  })
})
