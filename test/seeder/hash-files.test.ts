import assert from 'node:assert/strict'
import { once } from 'node:events'
import { spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { appendFile, mkdir, readdir, rm, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import createTorrent from 'create-torrent'
import fc from 'fast-check'
import { ShoalError } from '../../src/core/errors.ts'
import { KiB, MiB } from '../../src/core/units.ts'
import { hashRelease, type HashOptions } from '../../src/seeder/hash-files.ts'
import { HashPool } from '../../src/seeder/hash-pool.ts'
import { planRelease } from '../../src/seeder/plan-release.ts'
import { encodeInfo, parseInfo } from '../../src/wire/torrent.ts'
import { makeTree, seededBytes } from '../support/tree.ts'
import { scratchFolder } from './support/scratch.ts'

describe('hashRelease', () => {
  const pool = new HashPool({ workers: 2 })
  after(() => pool[Symbol.asyncDispose]())

  it('gives the infohash that create-torrent gives for the same folder', async () => {
    await using scratch = await scratchFolder()
    const root = join(scratch.path, 'a course')
    await makeTree(root, 'oracle', { 'b.bin': 3 * MiB + 1, 'a/one': 1, 'a/empty': 0, 'c é.bin': 200 * KiB })
    const plan = await planRelease(root)
    const { metainfo, hashedBytes } = await hashRelease({ pool }, plan)
    const { infoHash } = parseInfo(encodeInfo(metainfo))
    assert.equal(hashedBytes, plan.sizeBytes)

    const inputs = plan.files.map(({ path }) => join(root, path))
    const theirs = await oracle(root, inputs, metainfo.pieceLength)
    assert.equal(infoHash, theirs)
  })

  it('hashes pieces that span files, for any sizes', async () => {
    await using scratch = await scratchFolder()
    let n = 0
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.integer({ min: 0, max: 40_000 }), { minLength: 1, maxLength: 12 }),
        async (sizes) => {
          fc.pre(sizes.some((size) => size > 0))
          const root = join(scratch.path, `tree${n++}`)
          const files = Object.fromEntries(sizes.map((size, i) => [`f${String(i).padStart(2, '0')}`, size]))
          await makeTree(root, 'spans', files)
          const { metainfo } = await hashRelease({ pool }, await planRelease(root))
          const whole = Buffer.concat(
            Object.entries(files).map(([path, size]) => seededBytes(`spans/${path}`, size)),
          )
          assert.deepEqual(Buffer.from(metainfo.pieces), piecesOf(whole, metainfo.pieceLength))
        },
      ),
      { numRuns: 25 },
    )
  })

  it('tells how far it is', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'progress', { x: 40 * MiB })
    const seen: number[] = []
    const onProgress: HashOptions['onProgress'] = (bytes, total) => {
      assert.equal(total, 40 * MiB)
      seen.push(bytes)
    }
    await hashRelease({ pool }, await planRelease(scratch.path), { onProgress })
    assert.equal(seen[0], 0)
    assert.equal(seen.at(-1), 40 * MiB)
    assert.deepEqual(
      seen,
      seen.toSorted((a, b) => a - b),
    )
  })

  it('refuses a file that changed since it was walked, by name', async () => {
    await using scratch = await scratchFolder()
    const root = join(scratch.path, 'course')
    await makeTree(root, 'change', { 'a.bin': 1_000, 'b.bin': 1_000 })
    const changes: Record<string, () => Promise<void>> = {
      grew: () => appendFile(join(root, 'b.bin'), 'x'),
      'was touched': () => utimes(join(root, 'b.bin'), 1, 1),
      'is gone': () => rm(join(root, 'b.bin')),
    }
    for (const [what, change] of Object.entries(changes)) {
      const plan = await planRelease(root)
      await change()
      await assert.rejects(hashRelease({ pool }, plan), (error) => {
        assert.ok(error instanceof ShoalError && error.code === 'unavailable', what)
        assert.match(error.message, /"course\/b.bin" (changed|is gone|became)/)
        return true
      })
    }
  })

  it('notices a file that grows while it is hashed, and leaves no journal of it', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'grow', { 'tree/a': 64 * MiB, 'tree/z': 100 })
    const journalFolder = join(scratch.path, 'journal')
    const plan = await planRelease(join(scratch.path, 'tree'))
    let grown: Promise<void> | undefined
    const onProgress = (bytes: number): void => {
      if (bytes > 0) grown ??= appendFile(join(scratch.path, 'tree/a'), 'more')
    }
    await assert.rejects(hashRelease({ pool, journalFolder }, plan, { onProgress }), /"tree\/a" changed/)
    await grown
    assert.deepEqual(await readdir(journalFolder), [])
  })

  it('goes on where an aborted run was', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'abort', { 'tree/a': 96 * MiB })
    const journalFolder = join(scratch.path, 'journal')
    const plan = await planRelease(join(scratch.path, 'tree'))
    const stop = new AbortController()
    const onProgress = (bytes: number): void => {
      if (bytes > 0) stop.abort()
    }
    await assert.rejects(
      hashRelease({ pool, journalFolder }, plan, { onProgress }, stop.signal),
      (error) => error instanceof ShoalError && error.code === 'interrupted',
    )
    const resumed = await hashRelease({ pool, journalFolder }, plan)
    assert.ok(resumed.reusedBytes >= 16 * MiB && resumed.hashedBytes < 96 * MiB)
    assert.deepEqual(resumed.metainfo, (await hashRelease({ pool }, plan)).metainfo)
    await resumed.forgetJournal()
    assert.deepEqual(await readdir(journalFolder), [])
  })

  it('goes on where a run was that was killed, also when its last record is torn', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'kill', { 'tree/a': 160 * MiB })
    const root = join(scratch.path, 'tree')
    const journalFolder = join(scratch.path, 'journal')
    const child = spawn(
      process.execPath,
      [join(import.meta.dirname, 'support/hash-until-killed.ts'), root, journalFolder],
      {
        stdio: ['ignore', 'pipe', 'inherit'],
      },
    )
    await once(child.stdout, 'data')
    child.kill('SIGKILL')
    await once(child, 'exit')
    const [name] = await readdir(journalFolder)
    assert.ok(name !== undefined)
    await appendFile(join(journalFolder, name), Buffer.alloc(41)) // a record of zeros, and half of one
    const plan = await planRelease(root)
    const resumed = await hashRelease({ pool, journalFolder }, plan)
    assert.ok(resumed.reusedBytes >= 16 * MiB, `${resumed.reusedBytes}`)
    assert.deepEqual(resumed.metainfo, (await hashRelease({ pool }, plan)).metainfo)
  })

  it('takes over the pieces of unchanged files from an older release', async () => {
    await using scratch = await scratchFolder()
    const root = join(scratch.path, 'tree')
    await makeTree(root, 'reuse', { 'a.bin': 8 * MiB, 'b.bin': 4 * MiB + 5, 'c.bin': 8 * MiB })
    const first = await planRelease(root)
    const { metainfo } = await hashRelease({ pool }, first)
    const old = { files: first.files, pieceLengthBytes: metainfo.pieceLength, pieces: metainfo.pieces }
    const again = await hashRelease({ pool, previous: [old] }, await planRelease(root))
    assert.equal(again.hashedBytes, 0)
    assert.deepEqual(again.metainfo, metainfo)

    await writeFile(join(root, 'b.bin'), seededBytes('other', 4 * MiB + 5))
    const plan = await planRelease(root)
    const next = await hashRelease({ pool, previous: [old] }, plan)
    assert.ok(next.hashedBytes >= 4 * MiB && next.hashedBytes <= 4 * MiB + 5 + 2 * metainfo.pieceLength)
    assert.deepEqual(next.metainfo, (await hashRelease({ pool }, plan)).metainfo)
  })

  it('takes over nothing when files moved within their pieces', async () => {
    await using scratch = await scratchFolder()
    const root = join(scratch.path, 'tree')
    await makeTree(root, 'shift', { 'b.bin': 1 * MiB })
    const first = await planRelease(root)
    const { metainfo } = await hashRelease({ pool }, first)
    const old = { files: first.files, pieceLengthBytes: metainfo.pieceLength, pieces: metainfo.pieces }
    await writeFile(join(root, 'a'), 'x')
    const plan = await planRelease(root)
    const next = await hashRelease({ pool, previous: [old] }, plan)
    assert.equal(next.reusedBytes, 0)
    assert.deepEqual(next.metainfo, (await hashRelease({ pool }, plan)).metainfo)
  })

  it('hashes 20,000 small files', async () => {
    await using scratch = await scratchFolder()
    const root = join(scratch.path, 'many')
    await mkdir(root)
    for (let i = 10_000; i < 30_000; i++) writeFileSync(join(root, `f${i}`), `file ${i}`)
    const plan = await planRelease(root)
    const { metainfo } = await hashRelease({ pool }, plan)
    assert.equal(metainfo.files.length, 20_000)
    const whole = Buffer.from(Array.from({ length: 20_000 }, (_, i) => `file ${i + 10_000}`).join(''))
    assert.deepEqual(Buffer.from(metainfo.pieces), piecesOf(whole, metainfo.pieceLength))
  })
})

describe('HashPool', () => {
  it('rejects what waits when it is closed', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'close', { a: 32 * MiB })
    const plan = await planRelease(scratch.path)
    const pool = new HashPool({ workers: 1 })
    const hashing = assert.rejects(hashRelease({ pool }, plan), /stopped|closed/)
    await pool[Symbol.asyncDispose]()
    await hashing
  })
})

function piecesOf(whole: Buffer, pieceLength: number): Buffer {
  const digests: Buffer[] = []
  for (let at = 0; at < whole.length; at += pieceLength)
    digests.push(
      createHash('sha1')
        .update(whole.subarray(at, at + pieceLength))
        .digest(),
    )
  return Buffer.concat(digests)
}

function oracle(root: string, inputs: string[], pieceLength: number): Promise<string> {
  return new Promise((resolve, reject) => {
    const options = {
      name: root.split('/').at(-1) ?? '',
      pieceLength,
      private: true,
      announceList: [],
      createdBy: 'x',
    }
    createTorrent(root, options, (error: Error | null, torrent: Uint8Array) => {
      if (error !== null) reject(error)
      else resolve(createHash('sha1').update(infoOf(torrent)).digest('hex'))
    })
    assert.ok(inputs.length > 0)
  })
}

/** The bytes between `4:info` and the end of the outermost dictionary. */
function infoOf(torrent: Uint8Array): Uint8Array {
  const bytes = Buffer.from(torrent)
  return bytes.subarray(bytes.indexOf('4:info') + 6, bytes.length - 1)
}
