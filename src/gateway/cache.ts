/**
 * What a gateway without a library has fetched, a folder a release: within a bound, the one watched longest ago goes
 * first. What is being served stays.
 */
import { mkdir, readdir, readFile, rm, stat, utimes, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { systemCode } from '../core/errors.ts'
import { infoHash, type InfoHash } from '../core/ids.ts'
import type { EpochMillis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'

interface Kept {
  readonly sizeBytes: number
  lastAt: number
}

/** In each folder: how large the release is; its time is when it was watched last. */
const SIZE_FILE = '.size'

export class GatewayCache {
  readonly #clock: Clock
  readonly #folder: string
  readonly #bytesMax: number
  readonly #kept = new Map<InfoHash, Kept>()
  readonly #inUse = new Set<InfoHash>()

  private constructor(clock: Clock, options: { readonly folder: string; readonly bytesMax: number }) {
    this.#clock = clock
    this.#folder = options.folder
    this.#bytesMax = options.bytesMax
  }

  /** What cannot be read as ours is deleted: it is a cache. */
  static async open(
    clock: Clock,
    options: { readonly folder: string; readonly bytesMax: number },
  ): Promise<GatewayCache> {
    const cache = new GatewayCache(clock, options)
    await mkdir(options.folder, { recursive: true })
    for (const name of await readdir(options.folder)) {
      const kept = /^[0-9a-f]{40}$/.test(name) ? await readKept(join(options.folder, name)) : undefined
      if (kept === undefined) await rm(join(options.folder, name), { recursive: true, force: true })
      else cache.#kept.set(infoHash(name), kept)
    }
    return cache
  }

  get bytes(): number {
    let bytes = 0
    for (const { sizeBytes } of this.#kept.values()) bytes += sizeBytes
    return bytes
  }

  /** Where it may be fetched into; undefined when it is too large beside what is being served. */
  async take(hash: InfoHash, sizeBytes: number): Promise<string | undefined> {
    const others = [...this.#kept].filter(([other]) => other !== hash)
    let bytes = others.reduce((sum, [, kept]) => sum + kept.sizeBytes, sizeBytes)
    const oldest = others
      .filter(([other]) => !this.#inUse.has(other))
      .toSorted(([, a], [, b]) => a.lastAt - b.lastAt)
    const leaving: InfoHash[] = []
    for (const [other, kept] of oldest) {
      if (bytes <= this.#bytesMax) break
      bytes -= kept.sizeBytes
      leaving.push(other)
    }
    if (bytes > this.#bytesMax) return undefined
    for (const other of leaving) {
      this.#kept.delete(other)
      await rm(this.#folderOf(other), { recursive: true, force: true })
    }
    const folder = this.#folderOf(hash)
    await mkdir(folder, { recursive: true })
    await writeFile(join(folder, SIZE_FILE), String(sizeBytes))
    this.#kept.set(hash, { sizeBytes, lastAt: this.#clock.epoch() })
    this.#inUse.add(hash)
    return folder
  }

  /** It is watched no more, and may go when there is need. */
  async leave(hash: InfoHash): Promise<void> {
    const kept = this.#kept.get(hash)
    if (kept === undefined || !this.#inUse.delete(hash)) return
    const now: EpochMillis = this.#clock.epoch()
    kept.lastAt = now
    try {
      await utimes(join(this.#folderOf(hash), SIZE_FILE), new Date(now), new Date(now))
    } catch (error) {
      if (systemCode(error) !== 'ENOENT') throw error // somebody emptied the cache
    }
  }

  #folderOf(hash: InfoHash): string {
    return join(this.#folder, hash)
  }
}

async function readKept(folder: string): Promise<Kept | undefined> {
  try {
    const file = join(folder, SIZE_FILE)
    const sizeBytes = Number(await readFile(file, 'utf8'))
    if (!Number.isSafeInteger(sizeBytes) || sizeBytes < 0) return undefined
    return { sizeBytes, lastAt: (await stat(file)).mtimeMs }
  } catch {
    return undefined
  }
}
