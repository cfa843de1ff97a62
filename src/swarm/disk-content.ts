/** A torrent's content as files below a folder. */
import type { FileHandle } from 'node:fs/promises'
import { ShoalError, systemCode } from '../core/errors.ts'
import { fileLayoutOf, landingPath, type Metainfo } from '../core/metainfo.ts'
import type { FileLayout, FileSpan, PieceIndex } from '../core/piece-layout.ts'
import { type Content, type ContentSpec, type FileStamp, isDifferent } from './content.ts'
import type { FilePool } from './file-pool.ts'
import type { GuardedOpen } from './guarded-open.ts'

export class DiskContent implements Content {
  readonly #pool: FilePool
  readonly #spec: ContentSpec
  readonly #metainfo: Metainfo
  #layout: FileLayout | undefined
  /** Files written to since the last sync. */
  readonly #dirty = new Set<number>()
  #stamps: (FileStamp | undefined)[] | undefined
  /** Files that we changed since they were stamped. */
  readonly #unstamped = new Set<number>()
  #protected: ReadonlySet<number> = new Set()
  #isClosed = false

  constructor(pool: FilePool, spec: ContentSpec) {
    this.#pool = pool
    this.#spec = spec
    this.#metainfo = spec.metainfo
  }

  async prepare(): Promise<void> {
    await inLanes(this.#metainfo.files.entries(), async ([index, file]) => {
      if (!this.#spec.isWanted(index)) return
      await this.#use(index, async (handle) => {
        const isWhole = (await handle.stat()).size === file.sizeBytes
        if (!isWhole) await handle.truncate(file.sizeBytes)
        if (!isWhole || this.#stamps?.[index] === undefined) this.#unstamped.add(index)
      })
    })
  }

  async stamps(): Promise<(FileStamp | undefined)[]> {
    const stamps = this.#stamps ?? []
    const isFirst = this.#stamps === undefined
    await inLanes(isFirst ? this.#metainfo.files.keys() : [...this.#unstamped], async (index) => {
      this.#unstamped.delete(index) // before we look: what is written meanwhile puts it back
      stamps[index] = await this.#stampOf(index)
    })
    this.#stamps = stamps
    return [...stamps]
  }

  protect(files: ReadonlySet<number>): void {
    this.#protected = files
  }

  async read(piece: PieceIndex, into: Uint8Array): Promise<boolean> {
    for (const span of this.#spansOf(piece)) {
      try {
        if (!(await this.#use(span.file, (handle) => readSpan(handle, span, into), 'read'))) return false
      } catch (error) {
        if (isAbsence(error)) return false
        throw error
      }
    }
    return true
  }

  async write(piece: PieceIndex, bytes: Uint8Array): Promise<void> {
    if (!this.#spec.isWritable) throw new ShoalError('conflict', 'this content is only read')
    for (const span of this.#spansOf(piece)) {
      if (!this.#spec.isWanted(span.file)) continue
      if (this.#protected.has(span.file)) {
        await this.#mustHold(span, bytes)
        continue
      }
      await this.#use(span.file, (handle) => writeSpan(handle, span, bytes))
      this.#unstamped.add(span.file)
      this.#dirty.add(span.file)
    }
  }

  async sync(): Promise<void> {
    await inLanes([...this.#dirty], async (index) => {
      this.#dirty.delete(index)
      try {
        await this.#use(index, (handle) => handle.sync())
      } catch (error) {
        this.#dirty.add(index)
        throw error
      }
    })
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#pool.closeAll(this)
  }

  #spansOf(piece: PieceIndex): FileSpan[] {
    this.#layout ??= fileLayoutOf(this.#metainfo)
    return this.#layout.spansOf(piece)
  }

  /** @throws ShoalError `conflict` when the file does not hold the span's bytes already. */
  async #mustHold(span: FileSpan, bytes: Uint8Array): Promise<void> {
    const there = new Uint8Array(bytes.length)
    const isRead = await this.#use(span.file, (handle) => readSpan(handle, span, there))
    const end = span.pieceOffset + span.length
    const isSame = Buffer.compare(
      there.subarray(span.pieceOffset, end),
      bytes.subarray(span.pieceOffset, end),
    )
    if (!isRead || isSame !== 0) throw isDifferent(this.#metainfo, span.file)
  }

  async #stampOf(index: number): Promise<FileStamp | undefined> {
    try {
      return await this.#use(
        index,
        async (handle) => {
          const info = await handle.stat({ bigint: true })
          return { sizeBytes: Number(info.size), mtimeNs: String(info.mtimeNs) }
        },
        'read',
      )
    } catch (error) {
      if (isAbsence(error)) return undefined
      throw error
    }
  }

  /** Files that are wanted are opened for writing from the start, so that one handle serves both. */
  async #use<T>(
    index: number,
    act: (file: FileHandle) => Promise<T>,
    mode: GuardedOpen['mode'] = 'create',
  ): Promise<T> {
    // Whoever was still at work would open files again that nobody closes.
    if (this.#isClosed) throw new ShoalError('interrupted', 'the torrent was stopped')
    const file = this.#metainfo.files[index]
    if (file === undefined) throw new RangeError(`no file ${index}`)
    const path = landingPath(this.#metainfo, file)
    return this.#pool.use(this, { folder: this.#spec.folder, path, mode }, act)
  }
}

/** Files looked at, made or synced at once: one after the other, 20,000 small ones take minutes. */
const FILES_AT_ONCE = 32

/** Rejects with the first failure, when no work is under way any more. */
async function inLanes<T>(items: Iterable<T>, work: (item: T) => Promise<void>): Promise<void> {
  const iterator = items[Symbol.iterator]()
  let failure: { readonly error: unknown } | undefined
  const lane = async (): Promise<void> => {
    while (failure === undefined) {
      const next = iterator.next()
      if (next.done === true) return
      try {
        await work(next.value)
      } catch (error) {
        failure ??= { error }
      }
    }
  }
  await Promise.all(Array.from({ length: FILES_AT_ONCE }, lane))
  if (failure !== undefined) throw failure.error
}

const isAbsence = (error: unknown): boolean => systemCode(error) === 'ENOENT'

async function readSpan(handle: FileHandle, span: FileSpan, into: Uint8Array): Promise<boolean> {
  let done = 0
  while (done < span.length) {
    const at = span.pieceOffset + done
    const { bytesRead } = await handle.read(into, at, span.length - done, span.fileOffset + done)
    if (bytesRead === 0) return false
    done += bytesRead
  }
  return true
}

async function writeSpan(handle: FileHandle, span: FileSpan, bytes: Uint8Array): Promise<void> {
  let done = 0
  while (done < span.length) {
    const at = span.pieceOffset + done
    const { bytesWritten } = await handle.write(bytes, at, span.length - done, span.fileOffset + done)
    if (bytesWritten === 0) throw new ShoalError('unavailable', 'the disk takes no more bytes')
    done += bytesWritten
  }
}
