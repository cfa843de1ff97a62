/** Hashes argv[2] with the journal folder argv[3] and prints a line for each step. A test kills it. */
import { hashRelease } from '../../../src/seeder/hash-files.ts'
import { HashPool } from '../../../src/seeder/hash-pool.ts'
import { planRelease } from '../../../src/seeder/plan-release.ts'

const [root = '', journalFolder = ''] = process.argv.slice(2)
await using pool = new HashPool({ workers: 1 })
const onProgress = (bytes: number): void => {
  if (bytes > 0) process.stdout.write(`${bytes}\n`)
}
await hashRelease({ pool, journalFolder }, await planRelease(root), { onProgress })
