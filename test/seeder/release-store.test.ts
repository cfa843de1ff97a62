import assert from 'node:assert/strict'
import { linkSync } from 'node:fs'
import { readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { ShoalError } from '../../src/core/errors.ts'
import { infoHash } from '../../src/core/ids.ts'
import { silentLogger } from '../../src/platform/log.ts'
import { parseRecord } from '../../src/seeder/record-schema.ts'
import { ReleaseStore } from '../../src/seeder/release-store.ts'
import { makeTree } from '../support/tree.ts'
import { scratchFolder, type Scratch } from './support/scratch.ts'
import { storeRelease } from './support/stored-release.ts'

describe('ReleaseStore', () => {
  const open = (scratch: Scratch): Promise<ReleaseStore> =>
    ReleaseStore.open({ log: silentLogger, folder: join(scratch.path, 'data/seeder') })

  it('finds after a restart what was put, with its torrent', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'store', { 'content/a': 70_000 })
    const made = await storeRelease(join(scratch.path, 'data'), join(scratch.path, 'content'))
    const store = await open(scratch)
    assert.deepEqual(store.all(), [made.record])
    assert.deepEqual(store.ofPath(scratch.path, 'content'), [made.record])
    const torrent = await store.torrentOf(made.record.infohash)
    assert.deepEqual(Buffer.from(torrent.infoBytes), Buffer.from(made.torrent.infoBytes))
  })

  it('knows no release without its record, whatever else is there', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'store', { 'content/a': 70_000 })
    const made = await storeRelease(join(scratch.path, 'data'), join(scratch.path, 'content'))
    const store = await open(scratch)
    await rm(join(store.folder, `${made.record.infohash}.json`))
    assert.deepEqual((await open(scratch)).all(), [])
  })

  it('moves a record that cannot be read aside', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'store', { 'content/a': 70_000 })
    const { record } = await storeRelease(join(scratch.path, 'data'), join(scratch.path, 'content'))
    const { folder } = await open(scratch)
    const path = join(folder, `${record.infohash}.json`)
    for (const text of ['', '{', 'null', JSON.stringify({ ...record, sizeBytes: -1 }), '{"version":2}']) {
      await writeFile(path, text)
      assert.deepEqual((await open(scratch)).all(), [], text)
      assert.ok((await readdir(folder)).includes(`${record.infohash}.json.broken`))
    }
  })

  it('does not forget what is put while it looks at the folder', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'store', { 'content/a': 70_000 })
    const { record } = await storeRelease(join(scratch.path, 'data'), join(scratch.path, 'content'))
    const store = await open(scratch)
    // So many names that a listing takes longer than a put.
    for (let n = 0; n < 20_000; n++)
      linkSync(join(store.folder, `${record.infohash}.json`), join(store.folder, `${n}.tmp`))
    for (let n = 0; n < 15; n++) {
      const infohash = infoHash(String(n).padStart(40, '0'))
      await Promise.all([store.refresh(), store.put({ ...record, infohash }, new Uint8Array(1))])
      assert.ok(store.get(infohash) !== undefined)
    }
  })

  it('knows of two states of a release the one that it wrote last', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'store', { 'content/a': 70_000 })
    const { record } = await storeRelease(join(scratch.path, 'data'), join(scratch.path, 'content'))
    const store = await open(scratch)
    for (let n = 0; n < 100; n++) {
      const before = { ...record, storedAtMs: n }
      await store.update(before)
      const after = { ...before, state: 'registered' as const }
      await Promise.all([store.refreshOne(record.infohash), store.update(after)])
      assert.equal(store.get(record.infohash)?.state, 'registered')
    }
  })

  it('keeps a release whose record the system would not let it read', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'store', { 'content/a': 70_000 })
    const { record } = await storeRelease(join(scratch.path, 'data'), join(scratch.path, 'content'))
    const store = await open(scratch)
    const path = join(store.folder, `${record.infohash}.json`)
    await rm(path)
    await symlink(path, path) // ELOOP
    assert.equal(await store.refreshOne(record.infohash), false)
    assert.deepEqual(store.all(), [record])
    assert.deepEqual(
      (await readdir(store.folder)).filter((name) => name.endsWith('.broken')),
      [],
    )
  })

  it('makes a release again whose stored torrent is spoilt', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'store', { 'content/a': 70_000 })
    const [data, content] = [join(scratch.path, 'data'), join(scratch.path, 'content')]
    const first = await storeRelease(data, content)
    const torrentPath = join((await open(scratch)).folder, `${first.record.infohash}.torrent`)
    await writeFile(torrentPath, 'de')
    const second = await storeRelease(data, content)
    assert.equal(second.hashedBytes, 70_000)
    assert.equal(second.record.infohash, first.record.infohash)
    assert.deepEqual(await readFile(torrentPath), Buffer.from(first.torrent.infoBytes))
  })

  it('sees what another process put, changed and removed', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'store', { 'content/a': 70_000 })
    const mine = await open(scratch)
    const { record } = await storeRelease(join(scratch.path, 'data'), join(scratch.path, 'content'))
    assert.deepEqual(await mine.refresh(), [record.infohash])
    assert.deepEqual(await mine.refresh(), [])
    const theirs = await open(scratch)
    await theirs.update({ ...record, state: 'registered' })
    assert.equal(await mine.refreshOne(record.infohash), true)
    assert.equal(mine.get(record.infohash)?.state, 'registered')
    await theirs.remove(record.infohash)
    assert.deepEqual(await mine.refresh(), [record.infohash])
    assert.deepEqual(mine.all(), [])
    assert.deepEqual(mine.ofPath(scratch.path, 'content'), [])
  })

  it('refuses a record under the name of another release', async () => {
    await using scratch = await scratchFolder()
    await makeTree(scratch.path, 'store', { 'content/a': 70_000 })
    const { record } = await storeRelease(join(scratch.path, 'data'), join(scratch.path, 'content'))
    const other = record.infohash.replace(/./g, '0') as typeof record.infohash
    assert.throws(() => parseRecord(JSON.stringify(record), other), ShoalError)
  })
})
