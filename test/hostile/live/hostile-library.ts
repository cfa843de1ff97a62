/** What a hostile publisher puts into the library folder, and an honest file beside it, written last. */
import assert from 'node:assert/strict'
import { appendFile, mkdir, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { hostileInputs } from '../../support/corpus.ts'
import { hostileTrees, makeHostileTree } from '../../seeder/support/hostile-tree.ts'

const HONEST_FILE = 'later.txt'
/** A folder of files that are called videos. Some can be read, so that it has media. */
const HOSTILE_MEDIA = 'hostile media'
/** Is written to until the library is disposed of, and so never published. */
const GROWING_FILE = 'growing.bin'

export async function plantHostileLibrary(library: string): Promise<AsyncDisposable> {
  const trees = hostileTrees()
  assert.ok(trees.length > 15)
  await using stack = new AsyncDisposableStack()
  for (const [i, tree] of trees.entries()) {
    const root = join(library, `hostile ${i}`)
    await mkdir(root)
    stack.use(await makeHostileTree(root, tree))
  }
  await plantHostileMedia(join(library, HOSTILE_MEDIA))
  const growing = setInterval(() => void appendFile(join(library, GROWING_FILE), Buffer.alloc(100)), 50)
  stack.defer(() => clearInterval(growing))
  await writeFile(join(library, HONEST_FILE), 'honest')
  return stack.move()
}

async function plantHostileMedia(folder: string): Promise<void> {
  await mkdir(folder)
  for (const { name, bytes } of hostileInputs('media')) {
    // a thread is kept from it for twenty seconds: test/seeder/media has it with a shorter limit
    if (!name.includes('for-ever')) await writeFile(join(folder, `${name}.mp4`), bytes)
  }
}
