/** What the benches against libtorrent say is what was measured. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { digestsOf, makeContent, mustBeWhole, pathsOf, planOf } from '../../bench/support/bench-content.ts'
import { compare, type Run } from '../../bench/support/rival-figures.ts'

const MiB = 1_048_576

describe('the size of content to transfer', () => {
  it('is one file, or many', () => {
    assert.deepEqual(planOf('1024'), { files: 1, fileBytes: 1_024 * MiB })
    assert.deepEqual(planOf('64MiB'), { files: 1, fileBytes: 64 * MiB })
    assert.deepEqual(planOf('5000x40KiB'), { files: 5_000, fileBytes: 40_960 })
  })

  it('is refused when it is none', () => {
    for (const text of ['', '0', 'x40KiB', '5000x', '0x40KiB', '1e3', '5 MiB', '40KB', '100001x1KiB', '-1'])
      assert.throws(() => planOf(text), RangeError, text)
  })
})

describe('content to transfer', () => {
  let folder: string
  const plan = { files: 250, fileBytes: 1_024 }

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'shoal-content-'))))
  afterEach(() => rmSync(folder, { recursive: true }))

  it('is whole where it was made, and not when a byte of it differs, a file is gone, or one is too many', async () => {
    await makeContent(folder, plan)
    const wanted = await digestsOf(folder, plan)
    assert.equal(new Set(wanted.values()).size, 250, 'no two files are alike')
    await mustBeWhole(folder, wanted)
    const [first = '', second = ''] = pathsOf(plan)
    writeFileSync(join(folder, 'content/more'), '')
    await assert.rejects(mustBeWhole(folder, wanted))
    rmSync(join(folder, 'content/more'))
    writeFileSync(join(folder, first), Buffer.alloc(1_024))
    await assert.rejects(mustBeWhole(folder, wanted))
    rmSync(join(folder, second))
    await assert.rejects(mustBeWhole(folder, wanted))
  })
})

describe('two clients compared', () => {
  const run = (seconds: number, cpu: number): Run => ({
    seconds,
    leechCpu: cpu,
    seedCpu: cpu / 2,
    leechPeakMiB: 100.4,
  })
  const compared = compare({
    shoal: [run(4, 1), run(2, 3), run(9, 2)],
    libtorrent: [run(3, 4), run(1, 5), run(2, 6)],
  })

  it('have medians of each figure by itself', () => {
    assert.deepEqual(compared.medians.shoal, { seconds: 4, leechCpu: 2, seedCpu: 1, leechPeakMiB: 100 })
    assert.deepEqual(compared.medians.libtorrent, {
      seconds: 2,
      leechCpu: 5,
      seedCpu: 2.5,
      leechPeakMiB: 100,
    })
  })

  it('have least figures, and every run for who wants to look', () => {
    assert.equal(compared.best.shoal.seconds, 2)
    assert.equal(compared.best.libtorrent.leechCpu, 4)
    assert.deepEqual(compared.seconds, { shoal: [4, 2, 9], libtorrent: [3, 1, 2] })
  })

  it('have a throughput above 1 and CPU-seconds below 1 where ours is better', () => {
    assert.deepEqual(compared.medians.ratio, { throughput: 0.5, leechCpu: 0.4, seedCpu: 0.4 })
    assert.deepEqual(compared.best.ratio, { throughput: 0.5, leechCpu: 0.25, seedCpu: 0.25 })
  })
})
