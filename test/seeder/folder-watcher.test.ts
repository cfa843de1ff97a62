import assert from 'node:assert/strict'
import { mkdir, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { FolderWatcher } from '../../src/seeder/folder-watcher.ts'
import { scratchFolder } from './support/scratch.ts'
import { turn } from './support/until.ts'

describe('A watched folder', () => {
  it('names the entry in which something happened, however deep, and no other', async () => {
    await using scratch = await scratchFolder()
    await mkdir(join(scratch.path, 'course', 'part 1'), { recursive: true })
    await writeFile(join(scratch.path, 'still.bin'), '')
    const named = new Set<string>()
    const broken: string[] = []
    await using _watcher = await FolderWatcher.start(
      { folder: scratch.path, depth: 5 },
      { onEntry: (name) => named.add(name), onBroken: (reason) => broken.push(reason) },
    )
    const noticed = async (name: string): Promise<void> => {
      while (!named.delete(name)) await turn()
    }
    await writeFile(join(scratch.path, 'new.bin'), 'x')
    await noticed('new.bin')
    await writeFile(join(scratch.path, 'course', 'part 1', 'lesson.txt'), 'x')
    await noticed('course')
    await rm(join(scratch.path, 'new.bin'))
    await noticed('new.bin')
    assert.deepEqual(
      [...named].filter((name) => name === 'still.bin'),
      [],
    )
    assert.deepEqual(broken, [])
  })

  it('says one name for all that happens in a folder of tens of thousands of files', async () => {
    await using scratch = await scratchFolder()
    const told: string[] = []
    await using _watcher = await FolderWatcher.start(
      { folder: scratch.path, depth: 5 },
      { onEntry: (name) => told.push(name), onBroken: (reason) => assert.fail(reason) },
    )
    const many = join(scratch.path, 'many')
    await mkdir(many)
    for (let i = 0; i < 20_000; i += 500)
      await Promise.all(Array.from({ length: 500 }, (_, n) => writeFile(join(many, `${i + n}`), '')))
    while (told.length === 0) await turn()
    assert.ok(told.length < 2_000 && told.every((name) => name === 'many'), `${told.length} times`)
  })
})
