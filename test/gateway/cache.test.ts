import assert from 'node:assert/strict'
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { infoHash } from '../../src/core/ids.ts'
import { minutes } from '../../src/core/units.ts'
import { GatewayCache } from '../../src/gateway/cache.ts'
import { ManualClock } from '../support/manual-clock.ts'

const [ANN, BEN, CID] = ['aa', 'bb', 'cc'].map((byte) => infoHash(byte.repeat(20))) as [
  ReturnType<typeof infoHash>,
  ReturnType<typeof infoHash>,
  ReturnType<typeof infoHash>,
]

describe('the cache of a gateway without a library', () => {
  let folder: string
  let clock: ManualClock
  let cache: GatewayCache

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shoal-gateway-cache-'))
    clock = new ManualClock()
    cache = await GatewayCache.open(clock, { folder, bytesMax: 100 })
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('lets go first what was watched longest ago', async () => {
    await cache.take(ANN, 40)
    await cache.take(BEN, 40)
    clock.advance(minutes(1))
    await cache.leave(BEN)
    clock.advance(minutes(1))
    await cache.leave(ANN)
    assert.ok(await cache.take(CID, 40))
    assert.deepEqual((await readdir(folder)).toSorted(), [ANN, CID])
    assert.equal(cache.bytes, 80)
  })

  it('keeps what is being watched, and takes nothing beside it that does not fit', async () => {
    await cache.take(ANN, 70)
    assert.equal(await cache.take(BEN, 40), undefined)
    assert.equal(await cache.take(BEN, 101), undefined)
    assert.deepEqual(await readdir(folder), [ANN])
  })

  it('knows what it holds when it is opened again, in the same order, and deletes what is not its own', async () => {
    for (const hash of [ANN, BEN]) {
      await cache.take(hash, 40)
      clock.advance(minutes(1))
      await cache.leave(hash)
    }
    await mkdir(join(folder, CID))
    await writeFile(join(folder, 'stray'), 'x')
    const again = await GatewayCache.open(clock, { folder, bytesMax: 100 })
    assert.equal(again.bytes, 80)
    assert.deepEqual((await readdir(folder)).toSorted(), [ANN, BEN])
    await again.take(CID, 40)
    assert.deepEqual((await readdir(folder)).toSorted(), [BEN, CID])
  })
})
