import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { chmod, mkdir, rm, symlink, utimes } from 'node:fs/promises'
import { join } from 'node:path'
import { lookAtFiles } from '../../src/seeder/file-look.ts'
import { HashPool } from '../../src/seeder/hash-pool.ts'
import { encodeKnownLooks } from '../../src/seeder/known-looks.ts'
import { planRelease } from '../../src/seeder/plan-release.ts'
import { makeTree } from '../support/tree.ts'
import { scratchFolder } from './support/scratch.ts'

/** So many that a worker is asked. */
const many = Object.fromEntries(Array.from({ length: 300 }, (_, n) => [`tree/${n % 7}/${n}`, n + 1]))

describe('a look at files', () => {
  it('is the same from here and from a worker', async () => {
    await using pool = new HashPool({ workers: 1 })
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'look', many)
    await symlink('/etc/passwd', join(scratch.path, 'tree/link'))
    execFileSync('mkfifo', [join(scratch.path, 'tree/pipe')])
    await chmod(join(scratch.path, 'tree/0/0'), 0)
    const names = [...Object.keys(many), 'tree', 'tree/link', 'tree/pipe', 'tree/none', 'tree/0/0/below']
    const batch = { folder: scratch.path, names, asksReadable: true }
    const looks = await lookAtFiles(batch)
    assert.deepEqual(await lookAtFiles(batch, pool.looker), looks)
    assert.deepEqual(looks.slice(300), [
      { kind: 'folder' },
      { kind: 'other', reason: 'is a link' },
      { kind: 'other', reason: 'is a named pipe' },
      { kind: 'failed', code: 'ENOENT' },
      { kind: 'failed', code: 'ENOTDIR' },
    ])
  })

  it('by workers makes the same plan', async () => {
    await using pool = new HashPool({ workers: 2 })
    pool.warm()
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'look', many)
    await symlink('/etc/passwd', join(scratch.path, 'tree/3/link'))
    const plan = await planRelease(join(scratch.path, 'tree'), pool)
    assert.deepEqual(plan, await planRelease(join(scratch.path, 'tree')))
    assert.equal(plan.files.length, 300)
    assert.deepEqual(plan.refused.items, [{ path: '3/link', reason: 'is a link' }])
  })

  it('by a worker names those that are not as they were known', async () => {
    await using pool = new HashPool({ workers: 1 })
    await using scratch = await scratchFolder()
    const odd = 'tree/with spaces 7 8/ä\n9'
    await makeTree(scratch.path, 'look', { ...many, [odd]: 5 })
    const names = [...Object.keys(many), odd]
    const looks = await lookAtFiles({ folder: scratch.path, names, asksReadable: false })
    const known = looks.map((look, n) => {
      assert.ok(look.kind === 'file')
      return { absolute: join(scratch.path, names[n] ?? ''), ...look }
    })
    assert.deepEqual(await pool.findTouched(encodeKnownLooks(known)), [])
    assert.deepEqual(await pool.findTouched(''), [])

    await utimes(join(scratch.path, 'tree/5/5'), 1, 1)
    await makeTree(scratch.path, 'other', { 'tree/6/20': 1 })
    await rm(join(scratch.path, 'tree/3/150'))
    await rm(join(scratch.path, odd))
    await mkdir(join(scratch.path, odd))
    const at = ['tree/5/5', 'tree/6/20', 'tree/3/150', odd].map((name) => names.indexOf(name))
    assert.deepEqual(await pool.findTouched(encodeKnownLooks(known)), at)
  })
})
