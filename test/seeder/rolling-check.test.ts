import assert from 'node:assert/strict'
import { rename, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import type { InfoHash } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { HashPool } from '../../src/seeder/hash-pool.ts'
import { ReleaseStore } from '../../src/seeder/release-store.ts'
import { startRollingCheck } from '../../src/seeder/rolling-check.ts'
import { ManualClock } from '../support/manual-clock.ts'
import { makeTree } from '../support/tree.ts'
import { scratchFolder } from './support/scratch.ts'
import { storeRelease } from './support/stored-release.ts'
import { until } from './support/until.ts'

describe('the check of what is served', () => {
  it('looks at many files by a worker, and has only what was touched or is not served looked at again', async () => {
    await using scratch = await scratchFolder()
    const names = ['still', 'written', 'gone', 'missing']
    const hashes = new Map<string, InfoHash>()
    for (const name of names) {
      const files = Object.fromEntries(Array.from({ length: 30 }, (_, n) => [`${name}/${n}`, n + 1]))
      await makeTree(scratch.path, `check ${name}`, files)
      const { record } = await storeRelease(join(scratch.path, 'data'), join(scratch.path, name))
      hashes.set(name, record.infohash)
    }
    const nameOf = (hash: InfoHash): string => names.find((name) => hashes.get(name) === hash) ?? ''
    await utimes(join(scratch.path, 'written/7'), 1, 1)
    await rename(join(scratch.path, 'gone/7'), join(scratch.path, 'gone/none'))

    const clock = new ManualClock()
    const looked: string[] = []
    const store = await ReleaseStore.open({ log: silentLogger, folder: join(scratch.path, 'data/seeder') })
    const shelf = {
      serves: (hash: InfoHash): boolean => nameOf(hash) !== 'missing',
      look: (hash: InfoHash): Promise<void> => {
        looked.push(nameOf(hash))
        return Promise.resolve()
      },
    }
    await using pool = new HashPool({ workers: 1 })
    await using check = startRollingCheck({
      clock,
      log: silentLogger,
      store,
      shelf,
      findTouched: pool.findTouched,
    })
    await until(clock, () => looked.length >= 6)
    assert.deepEqual(new Set(looked), new Set(['written', 'gone', 'missing']))
    await check[Symbol.asyncDispose]()
  })
})
