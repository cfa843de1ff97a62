/** A torrent's content as files below a folder. */
import { type FileHandle, lstat } from 'node:fs/promises'
import { dirname, join } from 'node:path/posix'
import { ShoalError, systemCode } from '../core/errors.ts'
import { Gate } from '../core/gate.ts'
import { fileLayoutOf, landingPath, type Metainfo, type MetainfoFile } from '../core/metainfo.ts'
import type { FileLayout, FileSpan, PieceIndex } from '../core/piece-layout.ts'
import { type Content, type ContentSpec, type FileStamp, isDifferent } from './content.ts'
import { DirtyFiles } from './dirty-files.ts'
import { inLanes } from './file-lanes.ts'
import type { FilePool } from './file-pool.ts'

/** Enough for every thread that node has for files; of more, files would be closed before they are brought to the disk. */
const WRITES_AT_ONCE = 16

export class DiskContent implements Content {
  readonly #pool: FilePool
  readonly #spec: ContentSpec
  readonly #metainfo: Metainfo
  #layout: FileLayout | undefined
  readonly #writes = new Gate(WRITES_AT_ONCE)
  readonly #dirty = new DirtyFiles((index) => this.#bring(index))
  #stamps: (FileStamp | undefined)[] | undefined
  /** Files that we changed since they were stamped. */
  readonly #unstamped = new Set<number>()
  /** Files that we made, with how many bytes were written to each, repeated ones too. */
  readonly #made = new Map<number, number>()
  #protected: ReadonlySet<number> = new Set()
  #isClosed = false

  constructor(pool: FilePool, spec: ContentSpec) {
    this.#pool = pool
    this.#spec = spec
    this.#metainfo = spec.metainfo
  }

  async prepare(): Promise<void> {
    const stamps = this.#stamps ?? (await this.stamps())
    const begun = new Set<string>()
    const isDue = (index: number, file: MetainfoFile): boolean => {
      const stamp = stamps[index]
      if (stamp !== undefined) return stamp.sizeBytes !== file.sizeBytes
      const isFirst = !begun.has(dirname(file.path))
      begun.add(dirname(file.path))
      return isFirst || file.sizeBytes === 0
    }
    const wanted = [...this.#metainfo.files.entries()].filter(([index]) => this.#spec.isWanted(index))
    const due = wanted.filter(([index, file]) => isDue(index, file))
    await inLanes(due, ([index]) => this.#use(index, (handle) => this.#giveLength(handle, index)))
  }

  async stamps(): Promise<(FileStamp | undefined)[]> {
    const stamps = this.#stamps ?? []
    if (this.#stamps !== undefined) await inLanes([...this.#unstamped], (index) => this.#stamp(index, stamps))
    else if (await this.#isFolderThere())
      await inLanes(this.#metainfo.files.keys(), (index) => this.#stamp(index, stamps))
    else stamps.push(...this.#metainfo.files.map(() => undefined))
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
    await this.#writes.run(() => this.#writeSpans(piece, bytes))
  }

  async sync(): Promise<void> {
    await this.#dirty.sync()
  }

  async close(): Promise<void> {
    this.#isClosed = true
    await this.#dirty.stopEarly()
    await this.#pool.closeAll(this)
  }

  async #writeSpans(piece: PieceIndex, bytes: Uint8Array): Promise<void> {
    await this.#dirty.room()
    for (const span of this.#spansOf(piece)) {
      if (!this.#spec.isWanted(span.file)) continue
      if (this.#protected.has(span.file)) await this.#mustHold(span, bytes)
      else await this.#write(span, bytes)
    }
  }

  async #write(span: FileSpan, bytes: Uint8Array): Promise<void> {
    const index = span.file
    const sizeBytes = this.#metainfo.files[index]?.sizeBytes ?? 0
    await this.#use(index, async (handle) => {
      // Full length from the first byte: a file that is cut short is never taken for a whole one.
      if (this.#made.get(index) === 0 && span.length < sizeBytes) await this.#giveLength(handle, index)
      await writeSpan(handle, span, bytes)
    })
    this.#unstamped.add(index)
    this.#dirty.wrote(index)
    const before = this.#made.get(index)
    if (before === undefined) return
    this.#made.set(index, before + span.length)
    if (before + span.length >= sizeBytes) this.#dirty.isWhole(index)
  }

  async #giveLength(handle: FileHandle, index: number): Promise<void> {
    await handle.truncate(this.#metainfo.files[index]?.sizeBytes ?? 0)
    this.#unstamped.add(index)
  }

  async #bring(index: number): Promise<void> {
    await this.#use(index, async (handle) => {
      await handle.sync()
      if (this.#stamps === undefined) return
      this.#unstamped.delete(index) // before we look: what is written meanwhile puts it back
      this.#stamps[index] = await stampOf(handle)
    })
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

  /** One look for a folder that is not there, in place of one for each of its files. */
  async #isFolderThere(): Promise<boolean> {
    if (this.#metainfo.isSingleFile) return true
    try {
      await lstat(join(this.#spec.folder, this.#metainfo.name))
      return true
    } catch (error) {
      if (isAbsence(error)) return false
      throw error
    }
  }

  async #stamp(index: number, stamps: (FileStamp | undefined)[]): Promise<void> {
    this.#unstamped.delete(index) // before we look: what is written meanwhile puts it back
    try {
      stamps[index] = await this.#use(index, stampOf, 'read')
    } catch (error) {
      if (!isAbsence(error)) throw error
      stamps[index] = undefined
    }
  }

  /** Files that are wanted are opened for writing from the start, so that one handle serves both. */
  async #use<T>(
    index: number,
    act: (file: FileHandle) => Promise<T>,
    mode: 'read' | 'write' = 'write',
  ): Promise<T> {
    // Whoever was still at work would open files again that nobody closes.
    if (this.#isClosed) throw new ShoalError('interrupted', 'the torrent was stopped')
    const file = this.#metainfo.files[index]
    if (file === undefined) throw new RangeError(`no file ${index}`)
    const path = landingPath(this.#metainfo, file)
    const request = { folder: this.#spec.folder, path }
    if (mode === 'read') return this.#pool.use(this, { ...request, mode }, act)
    const isNew = this.#stamps !== undefined && this.#stamps[index] === undefined && !this.#made.has(index)
    if (!isNew) return this.#pool.use(this, { ...request, mode: 'create' }, act)
    try {
      return await this.#pool.use(this, { ...request, mode: 'make' }, (handle) => {
        this.#made.set(index, this.#made.get(index) ?? 0)
        return act(handle)
      })
    } catch (error) {
      // Not there when we looked, and not made by us since.
      throw systemCode(error) === 'EEXIST' ? isDifferent(this.#metainfo, index) : error
    }
  }
}

const isAbsence = (error: unknown): boolean => systemCode(error) === 'ENOENT'

async function stampOf(handle: FileHandle): Promise<FileStamp> {
  const info = await handle.stat({ bigint: true })
  return { sizeBytes: Number(info.size), mtimeNs: String(info.mtimeNs) }
}

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
