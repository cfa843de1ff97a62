import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmod, mkdtemp, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { ShoalError } from '../../src/core/errors.ts'
import {
  freeBytes,
  lockFolder,
  readFileBounded,
  readSecretFile,
  writeFileAtomic,
  writeSecretFile,
} from '../../src/platform/files.ts'

const isShoalError = (code: string, words: RegExp) => (error: unknown) =>
  error instanceof ShoalError && error.code === code && words.test(error.message)

describe('platform files', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shoal-files-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('are written with their folder, replaced whole, and leave nothing beside them', async () => {
    const path = join(dir, 'a/b/file')
    await writeFileAtomic(path, 'one')
    await writeFileAtomic(path, Buffer.from('two'))
    assert.equal(await readFile(path, 'utf8'), 'two')
    assert.deepEqual(await readdir(join(dir, 'a/b')), ['file'])
  })

  it('leave nothing beside them when they cannot be put in place', async () => {
    await writeFile(join(dir, 'x'), '')
    await writeFileAtomic(join(dir, 'folder/inside'), '')
    await assert.rejects(writeFileAtomic(join(dir, 'folder'), 'text'))
    assert.deepEqual((await readdir(dir)).toSorted(), ['folder', 'x'])
  })

  it('keep a secret from others, whatever the umask', async () => {
    const path = join(dir, 'secret')
    await writeSecretFile(path, 'hush\n')
    assert.equal((await stat(path)).mode & 0o777, 0o600)
    assert.equal(await readSecretFile(path), 'hush')
    assert.equal(await readSecretFile(join(dir, 'none')), undefined)
  })

  it('refuse a secret that others may read', async () => {
    const path = join(dir, 'secret')
    await writeSecretFile(path, 'hush')
    await chmod(path, 0o640)
    await assert.rejects(readSecretFile(path), isShoalError('not-granted', /chmod 600/))
  })

  it('are read up to their bound and refused beyond it', async () => {
    const path = join(dir, 'ten')
    await writeFile(path, '0123456789')
    assert.equal(Buffer.from(await readFileBounded(path, 10)).toString(), '0123456789')
    await assert.rejects(readFileBounded(path, 9), isShoalError('over-limit', /larger than 9 bytes/))
    await assert.rejects(readFileBounded(join(dir, 'none'), 9), isShoalError('not-found', /none/))
    await assert.rejects(readFileBounded(dir, 9), isShoalError('bad-input', /no regular file/))
  })

  it('know how much room their folder has', async () => {
    const free = await freeBytes(dir)
    assert.ok(Number.isSafeInteger(free) && free > 0)
  })
})

describe('a folder lock', () => {
  let dir: string
  beforeEach(async () => {
    dir = await mkdtemp(join(tmpdir(), 'shoal-lock-'))
  })
  afterEach(() => rm(dir, { recursive: true, force: true }))

  it('is held once, names its holder, and is free again after disposal', async () => {
    const first = await lockFolder(dir)
    await assert.rejects(lockFolder(dir), isShoalError('conflict', new RegExp(`process ${process.pid}`)))
    assert.deepEqual((await readdir(dir)).toSorted(), ['lock', 'lock.pid'])
    await first[Symbol.asyncDispose]()
    await first[Symbol.asyncDispose]()
    await using second = await lockFolder(dir)
    assert.ok(second)
  })

  it('goes to exactly one of many who ask at once', async () => {
    const asked = await Promise.allSettled(Array.from({ length: 8 }, () => lockFolder(dir)))
    const got = asked.filter((a) => a.status === 'fulfilled')
    assert.equal(got.length, 1)
    await got[0]?.value[Symbol.asyncDispose]()
  })

  it('names a process that holds it, and ends with that process when it is killed', async () => {
    const module = new URL('../../src/platform/files.ts', import.meta.url).href
    const script = `const { lockFolder } = await import(process.argv[1])
      await lockFolder(process.argv[2]); console.log('held'); setInterval(() => {}, 1000)`
    const holder = spawn(process.execPath, ['--input-type=module', '-e', script, module, dir])
    try {
      await once(holder.stdout, 'data')
      await assert.rejects(lockFolder(dir), isShoalError('conflict', new RegExp(`process ${holder.pid}:`)))
    } finally {
      holder.kill('SIGKILL')
      await once(holder, 'exit')
    }
    await using lock = await lockFolder(dir)
    assert.ok(lock)
  })
})
