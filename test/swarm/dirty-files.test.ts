import assert from 'node:assert/strict'
import { DirtyFiles } from '../../src/swarm/dirty-files.ts'

/** Lets everything happen that waits for nothing outside. */
const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

/** A disk that brings a file when it is told to. */
class SlowDisk {
  readonly begun: number[] = []
  readonly #ends = new Map<number, PromiseWithResolvers<undefined>>()

  readonly bring = async (file: number): Promise<void> => {
    this.begun.push(file)
    const end = Promise.withResolvers<undefined>()
    this.#ends.set(file, end)
    await end.promise
  }

  async end(file: number, error?: Error): Promise<void> {
    if (error === undefined) this.#ends.get(file)?.resolve(undefined)
    else this.#ends.get(file)?.reject(error)
    await settle()
  }
}

function wrote(dirty: DirtyFiles, files: Iterable<number>): void {
  for (const file of files) {
    dirty.wrote(file)
    dirty.isWhole(file)
  }
}

const upTo = (count: number): number[] => Array.from({ length: count }, (_, i) => i)

describe('files that are not on the disk yet', () => {
  it('are brought there by themselves once they are whole, some at once', async () => {
    const disk = new SlowDisk()
    const dirty = new DirtyFiles(disk.bring)
    dirty.wrote(99)
    wrote(dirty, upTo(10))
    assert.deepEqual(disk.begun, [0, 1, 2, 3])
    await disk.end(2)
    assert.deepEqual(disk.begun, [0, 1, 2, 3, 4])
  })

  it('are all there when a sync resolves: those under way, those that wait, and those that are not whole', async () => {
    const disk = new SlowDisk()
    const dirty = new DirtyFiles(disk.bring)
    dirty.wrote(99)
    wrote(dirty, upTo(6))
    let isSynced = false
    const syncing = dirty.sync().then(() => (isSynced = true))
    for (const file of upTo(4)) await disk.end(file)
    assert.deepEqual(disk.begun.slice(4), [99, 4, 5])
    for (const file of [4, 99]) await disk.end(file)
    assert.equal(isSynced, false)
    await disk.end(5)
    await syncing
    await dirty.sync()
    assert.equal(disk.begun.length, 7)
  })

  it('that become whole during a sync wait for it, or it would resolve without their earlier parts', async () => {
    const disk = new SlowDisk()
    const dirty = new DirtyFiles(disk.bring)
    wrote(dirty, [0])
    dirty.wrote(1)
    const syncing = dirty.sync()
    dirty.isWhole(1)
    assert.deepEqual(disk.begun, [0])
    await disk.end(0)
    assert.deepEqual(disk.begun, [0, 1])
    await disk.end(1)
    await syncing
  })

  it('make the next sync fail when the disk failed meanwhile, and are tried again after it', async () => {
    const disk = new SlowDisk()
    const dirty = new DirtyFiles(disk.bring)
    wrote(dirty, [0])
    await disk.end(0, new Error('the disk is dying'))
    await assert.rejects(dirty.sync(), /dying/)
    const again = dirty.sync()
    await settle()
    await disk.end(0)
    await again
    assert.deepEqual(disk.begun, [0, 0])
  })

  it('let nothing more be written while many of them wait', async () => {
    const disk = new SlowDisk()
    const dirty = new DirtyFiles(disk.bring)
    wrote(dirty, upTo(4 + 64))
    let hasRoom = false
    void dirty.room().then(() => (hasRoom = true))
    await settle()
    assert.equal(hasRoom, false)
    await disk.end(0)
    assert.equal(hasRoom, true)
  })

  it('hold nobody up once the disk has failed, or all is stopped', async () => {
    for (const free of [
      (disk: SlowDisk) => disk.end(0, new Error('the disk is dying')),
      (_disk: SlowDisk, dirty: DirtyFiles) => {
        void dirty.stopEarly()
        return settle()
      },
    ]) {
      const disk = new SlowDisk()
      const dirty = new DirtyFiles(disk.bring)
      wrote(dirty, upTo(4 + 64))
      let hasRoom = false
      void dirty.room().then(() => (hasRoom = true))
      await free(disk, dirty)
      assert.equal(hasRoom, true)
    }
  })
})
