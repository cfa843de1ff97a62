/**
 * One process a data folder. The lock is the kernel's (SQLite's exclusive lock on an empty file), so it ends
 * with its process however that ends: there is no stale lock to tell from a live one, and no race in taking
 * it over. Who holds it stands in a second file, for the error message only.
 */
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import type Database from 'better-sqlite3'
import { quote } from '../core/file-name.ts'
import { ShoalError } from '../core/errors.ts'

/** Held here, so that a lock whose disposable nobody kept is not released by the garbage collector. */
const held = new Set<Database.Database>()

/**
 * Makes the folder when it is missing (mode 0700). Released by disposal, or by the end of the process.
 * @throws ShoalError `conflict`, naming the process that holds it; also for a second lock by this process.
 */
export async function lockFolder(dir: string): Promise<AsyncDisposable> {
  await mkdir(dir, { recursive: true, mode: 0o700 })
  const holderFile = join(dir, 'lock.pid')
  const { default: open } = await import('better-sqlite3') // native: only who locks pays for loading it
  const lock = open(join(dir, 'lock'), { timeout: 0 })
  try {
    lock.pragma('journal_mode = MEMORY') // nothing is ever written: no journal beside the lock
    lock.exec('BEGIN EXCLUSIVE')
  } catch (error) {
    lock.close()
    if (!(error instanceof open.SqliteError) || !error.code.startsWith('SQLITE_BUSY')) throw error
    const holder = await readFile(holderFile, 'utf8').catch(() => '')
    const who = /^\d{1,10}$/.test(holder.trim()) ? `process ${holder.trim()}` : 'another process'
    throw new ShoalError(
      'conflict',
      `${quote(dir)} is in use by ${who}: stop it first, or choose another folder with --data`,
      { cause: error },
    )
  }
  held.add(lock)
  await writeFile(holderFile, `${process.pid}\n`)
  return {
    async [Symbol.asyncDispose]() {
      if (!held.delete(lock)) return
      await rm(holderFile, { force: true })
      lock.close()
    },
  }
}
