import assert from 'node:assert/strict'
import { mkdtemp, readdir, rm, symlink, utimes, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { epochMillis } from '../../src/core/units.ts'
import { pruneJournals } from '../../src/seeder/hash-journal.ts'

describe('Journals of publishes', () => {
  it('are removed when nobody came back for a month; one that another publish has just ended is no error', async () => {
    const folder = await mkdtemp(join(tmpdir(), 'shoal-journal-'))
    try {
      const now = epochMillis(1_790_000_000_000)
      for (const [name, days] of [
        ['old', 31],
        ['young', 29],
      ] as const) {
        // prettier-ignore
        await writeFile(join(folder, `${name}.hashes`), '')
        const at = (now - days * 86_400_000) / 1_000
        await utimes(join(folder, `${name}.hashes`), at, at)
      }
      // Listed, and gone when it is looked at.
      await symlink(join(folder, 'nowhere'), join(folder, 'ended.hashes'))
      await pruneJournals(folder, now)
      assert.deepEqual((await readdir(folder)).sort(), ['ended.hashes', 'young.hashes'])
    } finally {
      await rm(folder, { recursive: true })
    }
  })
})
