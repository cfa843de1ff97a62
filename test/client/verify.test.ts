import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { mkdir, mkdtemp, rm, truncate, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { recordDir, recordsOf, saveRecord } from '../../src/client/record.ts'
import { verifyFolder } from '../../src/client/verify.ts'
import type { Torrent } from '../../src/core/metainfo.ts'
import { encodeInfo, parseInfo } from '../../src/wire/torrent.ts'

const PIECE = 16_384
const first = Buffer.alloc(PIECE + 100, 'a')
const second = Buffer.alloc(PIECE, 'b')

/** A torrent of `one`, an empty file, and `sub/two`; a piece covers the end of the first and half of the second. */
function torrentOfTwo(): Torrent {
  const whole = Buffer.concat([first, second])
  const sums: Buffer[] = []
  for (let at = 0; at < whole.length; at += PIECE) {
    sums.push(
      createHash('sha1')
        .update(whole.subarray(at, at + PIECE))
        .digest(),
    )
  }
  const infoBytes = encodeInfo({
    name: 'Course',
    pieceLength: PIECE,
    pieces: Buffer.concat(sums),
    isSingleFile: false,
    isPrivate: true,
    files: [
      { path: 'empty', sizeBytes: 0 },
      { path: 'one', sizeBytes: first.length },
      { path: 'sub/two', sizeBytes: second.length },
    ],
  })
  return { ...parseInfo(infoBytes), infoBytes, announce: [], urlList: [] }
}

describe('verify', () => {
  const torrent = torrentOfTwo()
  let folder: string

  const verdicts = async (wants: (path: string) => boolean = () => true): Promise<Record<string, string>> => {
    const files = await verifyFolder(folder, torrent, wants, () => undefined, new AbortController().signal)
    return Object.fromEntries(files.map((file) => [file.path, file.verdict]))
  }

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'shoal-verify-'))
    await mkdir(join(folder, 'Course', 'sub'), { recursive: true })
    await writeFile(join(folder, 'Course', 'empty'), '')
    await writeFile(join(folder, 'Course', 'one'), first)
    await writeFile(join(folder, 'Course', 'sub', 'two'), second)
  })
  afterEach(() => rm(folder, { recursive: true }))

  it('finds every file as published', async () => {
    assert.deepEqual(await verdicts(), { 'Course/empty': 'ok', 'Course/one': 'ok', 'Course/sub/two': 'ok' })
  })

  it('finds one changed byte', async () => {
    const changed = Buffer.from(first)
    changed[5] = 0
    await writeFile(join(folder, 'Course', 'one'), changed)
    assert.equal((await verdicts())['Course/one'], 'differs')
    assert.equal((await verdicts())['Course/sub/two'], 'ok')
  })

  it('finds a file that was cut or is gone', async () => {
    await truncate(join(folder, 'Course', 'one'), 10)
    await rm(join(folder, 'Course', 'sub', 'two'))
    assert.deepEqual(await verdicts(), {
      'Course/empty': 'ok',
      'Course/one': 'differs',
      'Course/sub/two': 'missing',
    })
  })

  it('speaks only of the files that were wanted', async () => {
    await rm(join(folder, 'Course', 'one'))
    assert.deepEqual(await verdicts((path) => path.endsWith('two')), { 'Course/sub/two': 'ok' })
  })

  it('knows what was fetched into a folder, and passes over records that cannot be read', async () => {
    const data = join(folder, 'data')
    await saveRecord({
      dir: recordDir(data, torrent.infoHash, folder),
      folder,
      torrent,
      files: ['Course/one'],
    })
    await mkdir(join(data, 'client', 'broken'))
    await writeFile(join(data, 'client', 'broken', 'record.json'), '{')
    const records = await recordsOf(data, folder)
    assert.deepEqual(
      records.map((record) => [record.torrent.infoHash, record.files]),
      [[torrent.infoHash, ['Course/one']]],
    )
    assert.deepEqual(await recordsOf(data, join(folder, 'other')), [])
  })
})
