import assert from 'node:assert/strict'
import { chmod, mkdir, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ShoalError } from '../../src/core/errors.ts'
import { planRelease, refusalOfPlan } from '../../src/seeder/plan-release.ts'
import { hostileTrees, makeHostileTree } from './support/hostile-tree.ts'
import { scratchFolder } from './support/scratch.ts'

const isRoot = process.getuid?.() === 0

describe('planRelease', () => {
  it('lists files in the order of the bytes of their paths', async () => {
    await using scratch = await scratchFolder()
    const names = ['b', 'a-b', 'a/z', 'a/é', 'a.c', '\u{1f600}', '\uff5e', 'B']
    for (const name of names) {
      await mkdir(join(scratch.path, name, '..'), { recursive: true })
      await writeFile(join(scratch.path, name), 'x')
    }
    const plan = await planRelease(scratch.path)
    const expected = names.toSorted((a, b) => Buffer.compare(Buffer.from(a), Buffer.from(b)))
    // "b" and "B" are one file on some systems.
    assert.deepEqual(
      plan.files.map(({ path }) => path),
      expected,
    )
    assert.deepEqual(plan.refused.items, [{ path: 'b', reason: 'is the same file as "B" on some systems' }])
  })

  it('takes a single file, under its own name', async () => {
    await using scratch = await scratchFolder()
    await writeFile(join(scratch.path, 'film.mp4'), Buffer.alloc(100_000))
    const plan = await planRelease(join(scratch.path, 'film.mp4'))
    assert.equal(plan.isSingleFile, true)
    assert.equal(plan.name, 'film.mp4')
    assert.equal(plan.contentFolder, scratch.path)
    assert.equal(plan.sizeBytes, 100_000)
    assert.equal(plan.pieceLengthBytes, 16_384)
    assert.equal(refusalOfPlan(plan), undefined)
  })

  it('follows a link that a person gives, to what it points at', async () => {
    await using scratch = await scratchFolder()
    await mkdir(join(scratch.path, 'real'))
    await writeFile(join(scratch.path, 'real', 'x'), 'x')
    await symlink('real', join(scratch.path, 'alias'))
    const plan = await planRelease(join(scratch.path, 'alias'))
    assert.equal(plan.name, 'real')
    assert.equal(plan.root, join(scratch.path, 'real'))
  })

  it('says so when there is nothing, or no file', async () => {
    await using scratch = await scratchFolder()
    await assert.rejects(planRelease(join(scratch.path, 'none')), (error) => isCode(error, 'not-found'))
    await assert.rejects(planRelease('/dev/null'), /"\/dev\/null" is a device/)
  })

  it('names what is left out', async () => {
    await using scratch = await scratchFolder()
    await mkdir(join(scratch.path, 'raw'))
    for (const name of ['film.mp4', 'raw/a', 'raw/b', 'Thumbs.db'])
      await writeFile(join(scratch.path, name), 'x')
    await writeFile(join(scratch.path, '.shoalignore'), 'raw/\n')
    const plan = await planRelease(scratch.path)
    assert.deepEqual(
      plan.files.map(({ path }) => path),
      ['film.mp4'],
    )
    assert.deepEqual(plan.ignored.items.toSorted(), ['.shoalignore', 'Thumbs.db', 'raw'])
  })

  it('ends when it is aborted', async () => {
    await using scratch = await scratchFolder()
    await writeFile(join(scratch.path, 'x'), 'x')
    await assert.rejects(planRelease(scratch.path, {}, AbortSignal.abort(new Error('enough'))), /enough/)
  })

  it('refuses what it may not read', async () => {
    await using scratch = await scratchFolder()
    await chmod(scratch.path, 0o755)
    await writeFile(join(scratch.path, 'secret'), 'x', { mode: 0o000 })
    await mkdir(join(scratch.path, 'closed'), { mode: 0o000 })
    using _ = asNobody()
    const plan = await planRelease(scratch.path)
    const refused = plan.refused.items.map(({ path, reason }) => `${path} ${reason}`).toSorted()
    const expected = ['closed cannot be read: permission denied', 'secret cannot be read: permission denied']
    // access(2) asks for the real user, whom a process cannot put aside: root finds that out when it hashes.
    assert.deepEqual(refused, isRoot ? expected.slice(0, 1) : expected)
  })

  it('refuses what vanished by name, and says what was refused', async () => {
    await using scratch = await scratchFolder()
    await mkdir(join(scratch.path, 'there'))
    const plan = planRelease(join(scratch.path, 'there'))
    await rm(join(scratch.path, 'there'), { recursive: true })
    const settled = await plan.then(refusalOfPlan, (error: unknown) => (error as Error).message)
    assert.match(settled ?? '', /vanished|there is no file/)
  })
})

describe('The hostile trees of the corpus', () => {
  const trees = hostileTrees()

  for (const tree of trees)
    it(`${tree.refusal.length === 0 ? 'ship' : 'are refused by name'}: ${tree.is}`, async function () {
      if (!isRoot && tree.entries.some(({ kind }) => kind === 'device')) this.skip() // only root makes devices
      await using scratch = await scratchFolder()
      const root = join(scratch.path, 'tree')
      await mkdir(root)
      await using _made = await makeHostileTree(root, tree)
      const refusal = refusalOfPlan(await planRelease(root))
      if (tree.refusal.length === 0) assert.equal(refusal, undefined)
      for (const part of tree.refusal)
        assert.ok(refusal?.includes(part), `${part} in: ${refusal ?? 'no refusal'}`)
    })

  it('are more than a handful', () => {
    assert.ok(trees.length >= 15)
  })
})

/** Permissions do not hold for root: until disposed of, this process is an ordinary user. */
function asNobody(): Disposable {
  if (isRoot) process.seteuid?.(65_534)
  return {
    [Symbol.dispose]() {
      if (isRoot) process.seteuid?.(0)
    },
  }
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof ShoalError && error.code === code
}
