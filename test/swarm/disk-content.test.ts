import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import {
  appendFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ShoalError } from '../../src/core/errors.ts'
import type { PieceIndex } from '../../src/core/piece-layout.ts'
import { DiskStorage, readBootId } from '../../src/swarm/disk-storage.ts'
import { FilePool } from '../../src/swarm/file-pool.ts'
import type { Content } from '../../src/swarm/content.ts'
import { makeTorrent } from '../support/simulated-swarm.ts'

const isConflict = (error: unknown): boolean => error instanceof ShoalError && error.code === 'conflict'

describe('content on the disk', () => {
  let folder: string
  const made = makeTorrent({ 'a.bin': 40_000, 'sub/b.bin': 30_000, 'sub/empty': 0, 'c.bin': 5 })
  const { metainfo } = made.torrent
  const whole = Buffer.concat([...made.contents.values()])

  beforeEach(() => (folder = mkdtempSync(join(tmpdir(), 'shoal-disk-'))))
  afterEach(() => rmSync(folder, { recursive: true }))

  function open(options: { isWritable?: boolean; isWanted?: (file: number) => boolean } = {}): Content {
    const { isWritable = true, isWanted = () => true } = options
    return new DiskStorage('boot').open({ metainfo, folder, isWanted, isWritable })
  }

  const pieceBytes = (piece: number): Buffer => whole.subarray(piece * 32_768, (piece + 1) * 32_768)

  async function writeAll(content: Content): Promise<void> {
    await content.prepare()
    for (const piece of [0, 1, 2]) await content.write(piece as PieceIndex, pieceBytes(piece))
    await content.sync()
  }

  it('is read back as it was written, through folders, empty files and pieces that span files', async () => {
    const content = open()
    await writeAll(content)
    for (const piece of [0, 1, 2]) {
      const into = new Uint8Array(pieceBytes(piece).length)
      assert.ok(await content.read(piece as PieceIndex, into))
      assert.ok(pieceBytes(piece).equals(into))
    }
    await content.close()
    for (const [path, bytes] of made.contents) assert.ok(readFileSync(join(folder, path)).equals(bytes), path)
  })

  it('writes nothing of files that are not wanted', async () => {
    const content = open({ isWanted: (file) => file === 1 })
    await writeAll(content)
    await content.close()
    assert.deepEqual(readdirSync(join(folder, metainfo.name)), ['sub'])
    assert.deepEqual(readdirSync(join(folder, metainfo.name, 'sub')), ['b.bin'])
    const b = [...made.contents.values()][1]
    assert.ok(b !== undefined && readFileSync(join(folder, metainfo.name, 'sub/b.bin')).equals(b))
  })

  it('makes a first file in each folder and the empty ones at once, the others at full length when they are written', async () => {
    const many = makeTorrent({ a: 40_000, b: 40_000, 'sub/c': 40_000, 'sub/d': 40_000, 'sub/empty': 0 })
    const content = new DiskStorage('boot').open({
      metainfo: many.torrent.metainfo,
      folder,
      isWanted: (file) => file !== 0,
      isWritable: true,
    })
    const sizes = (): Record<string, number> => {
      const root = join(folder, many.torrent.metainfo.name)
      const files = readdirSync(root, { recursive: true, withFileTypes: true }).filter((e) => e.isFile())
      return Object.fromEntries(files.map((e) => [e.name, statSync(join(e.parentPath, e.name)).size]))
    }
    await content.prepare()
    assert.deepEqual(sizes(), { b: 40_000, c: 40_000, empty: 0 })
    const bytes = Buffer.concat([...many.contents.values()])
    await content.write(3 as PieceIndex, bytes.subarray(3 * 32_768, 4 * 32_768))
    assert.deepEqual(sizes(), { b: 40_000, c: 40_000, d: 40_000, empty: 0 })
    await content.close()
  })

  it('does not write over what somebody put where nothing was', async () => {
    const content = open()
    await content.stamps()
    mkdirSync(join(folder, metainfo.name))
    writeFileSync(join(folder, metainfo.name, 'c.bin'), 'mine')
    await content.prepare()
    await assert.rejects(content.write(2 as PieceIndex, pieceBytes(2)), isConflict)
    assert.equal(readFileSync(join(folder, metainfo.name, 'c.bin'), 'utf8'), 'mine')
    await content.close()
  })

  it('gives a file of ours that is cut its length again, and leaves one that is whole as it is', async () => {
    const content = open()
    await writeAll(content)
    await content.close()
    const at = (name: string): string => join(folder, metainfo.name, name)
    writeFileSync(at('a.bin'), 'cut')
    const before = statSync(at('c.bin'), { bigint: true }).mtimeNs
    const again = open()
    await again.prepare()
    await again.close()
    assert.equal(statSync(at('a.bin')).size, 40_000)
    assert.equal(statSync(at('c.bin'), { bigint: true }).mtimeNs, before)
  })

  it('says that bytes are missing when a file is gone or cut', async () => {
    const content = open()
    await writeAll(content)
    await content.close()
    const again = open({ isWritable: false })
    writeFileSync(join(folder, metainfo.name, 'a.bin'), 'short')
    assert.equal(await again.read(0 as PieceIndex, new Uint8Array(32_768)), false)
    rmSync(join(folder, metainfo.name, 'sub/b.bin'))
    assert.equal(await again.read(2 as PieceIndex, new Uint8Array(pieceBytes(2).length)), false)
    await again.close()
  })

  it('never writes what is only to be read', async () => {
    const content = open({ isWritable: false })
    await assert.rejects(content.write(0 as PieceIndex, pieceBytes(0)), isConflict)
  })

  it('follows no link out of its folder, neither as a file nor on the way', async () => {
    const outside = mkdtempSync(join(tmpdir(), 'shoal-outside-'))
    writeFileSync(join(outside, 'a.bin'), 'precious')
    mkdirSync(join(folder, metainfo.name))
    symlinkSync(join(outside, 'a.bin'), join(folder, metainfo.name, 'a.bin'))
    symlinkSync(outside, join(folder, metainfo.name, 'sub'))
    const content = open()
    await assert.rejects(content.prepare(), isConflict)
    await assert.rejects(content.write(0 as PieceIndex, pieceBytes(0)), isConflict)
    await assert.rejects(content.write(2 as PieceIndex, pieceBytes(2)), isConflict)
    await assert.rejects(content.read(0 as PieceIndex, new Uint8Array(32_768)), isConflict)
    await content.close()
    assert.deepEqual(readdirSync(outside), ['a.bin'])
    assert.equal(readFileSync(join(outside, 'a.bin'), 'utf8'), 'precious')
    rmSync(outside, { recursive: true })
  })

  it('refuses a folder or a pipe where a file belongs, without waiting for it', async () => {
    mkdirSync(join(folder, metainfo.name, 'c.bin'), { recursive: true })
    execFileSync('mkfifo', [join(folder, metainfo.name, 'a.bin')])
    const content = open()
    await assert.rejects(content.stamps(), isConflict)
    await assert.rejects(content.write(0 as PieceIndex, pieceBytes(0)), isConflict)
    await assert.rejects(content.write(2 as PieceIndex, pieceBytes(2)), isConflict)
    await content.close()
  })

  it('stamps files by size and time of change', async () => {
    const content = open()
    assert.deepEqual(await content.stamps(), [undefined, undefined, undefined, undefined])
    await writeAll(content)
    const stamps = await content.stamps()
    assert.deepEqual(
      stamps.map((stamp) => stamp?.sizeBytes),
      [40_000, 30_000, 0, 5],
    )
    const { mtimeNs } = statSync(join(folder, metainfo.name, 'a.bin'), { bigint: true })
    assert.equal(stamps[0]?.mtimeNs, String(mtimeNs))
    await content.close()
  })

  it('vouches for a file as it was before somebody else wrote to it', async () => {
    const content = open()
    await writeAll(content)
    const before = await content.stamps()
    appendFileSync(join(folder, metainfo.name, 'a.bin'), 'x')
    assert.deepEqual(await content.stamps(), before)
    await content.write(0 as PieceIndex, pieceBytes(0))
    assert.equal((await content.stamps())[0]?.sizeBytes, 40_001)
    await content.close()
  })

  it('compares, and does not write, where a file is to be protected', async () => {
    const theirs = Buffer.alloc(5, 7)
    mkdirSync(join(folder, metainfo.name))
    writeFileSync(join(folder, metainfo.name, 'c.bin'), theirs)
    const content = open()
    await content.prepare()
    content.protect(new Set([3]))
    await assert.rejects(content.write(2 as PieceIndex, pieceBytes(2)), isConflict)
    assert.ok(readFileSync(join(folder, metainfo.name, 'c.bin')).equals(theirs))
    writeFileSync(join(folder, metainfo.name, 'c.bin'), pieceBytes(2).subarray(-5))
    await content.write(2 as PieceIndex, pieceBytes(2))
    await content.close()
  })

  it('can be closed while a file cannot be opened', async () => {
    const pool = new FilePool(3)
    const owner = {}
    const using = pool.use(owner, { folder, path: 'no such file', mode: 'read' }, () => Promise.resolve())
    const closing = pool.closeAll(owner)
    await assert.rejects(using)
    await closing
  })

  it('opens nothing any more after it was closed', async () => {
    const content = open()
    await writeAll(content)
    await content.close()
    await assert.rejects(content.read(0 as PieceIndex, new Uint8Array(32_768)), ShoalError)
  })

  it('keeps a bounded number of files open', async () => {
    const pool = new FilePool(3)
    const owner = {}
    for (let i = 0; i < 10; i++)
      await pool.use(owner, { folder, path: `f${String(i)}`, mode: 'create' }, (file) => file.writeFile('x'))
    assert.ok(pool.openFiles <= 3)
    await pool.closeAll(owner)
    assert.equal(pool.openFiles, 0)
  })

  it('keeps states whole, and knows when there is none', async () => {
    const storage = new DiskStorage(await readBootId())
    const path = join(folder, 'deep/state.json')
    assert.equal(await storage.loadState(path), undefined)
    await storage.saveState(path, Buffer.from('one'))
    await storage.saveState(path, Buffer.from('two'))
    assert.equal(Buffer.from((await storage.loadState(path)) ?? []).toString(), 'two')
    assert.deepEqual(readdirSync(join(folder, 'deep')), ['state.json'])
  })
})
