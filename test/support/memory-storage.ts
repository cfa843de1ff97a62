/** Contents and states in memory, with the same promises as files: what a test changes, the engine finds. */
import { ShoalError } from '../../src/core/errors.ts'
import { fileLayoutOf, landingPath } from '../../src/core/metainfo.ts'
import type { PieceIndex } from '../../src/core/piece-layout.ts'
import {
  type Content,
  type ContentSpec,
  type FileStamp,
  isDifferent,
  type Storage,
} from '../../src/swarm/content.ts'

interface MemoryFile {
  bytes: Uint8Array
  changes: number
}

export class MemoryStorage implements Storage {
  readonly bootId = 'memory'
  /** By `folder/landing path`. */
  readonly files = new Map<string, MemoryFile>()
  readonly states = new Map<string, Uint8Array>()
  /** Set to make every write fail, as a full disk does. */
  failure: Error | undefined
  /** Set to keep every write waiting, as a disk does that is behind. */
  writesHeld: Promise<unknown> | undefined
  /** Set to make every read fail, as a system without free descriptors does. */
  readFailure: Error | undefined
  /** Set to make every sync fail, as a dying disk does. */
  syncFailure: Error | undefined
  syncs = 0
  /** Set to keep everyone waiting who looks at what is there. */
  held: Promise<unknown> | undefined

  open(spec: ContentSpec): Content {
    return new MemoryContent(this, spec)
  }

  put(path: string, bytes: Uint8Array): void {
    this.files.set(path, { bytes, changes: (this.files.get(path)?.changes ?? 0) + 1 })
  }

  loadState(path: string): Promise<Uint8Array | undefined> {
    return Promise.resolve(this.states.get(path))
  }

  saveState(path: string, bytes: Uint8Array): Promise<void> {
    this.states.set(path, bytes)
    return Promise.resolve()
  }

  [Symbol.asyncDispose](): Promise<void> {
    return Promise.resolve()
  }
}

class MemoryContent implements Content {
  readonly #storage: MemoryStorage
  readonly #spec: ContentSpec
  #stamps: (FileStamp | undefined)[] | undefined
  readonly #unstamped = new Set<number>()
  #protected: ReadonlySet<number> = new Set()

  constructor(storage: MemoryStorage, spec: ContentSpec) {
    this.#storage = storage
    this.#spec = spec
  }

  async prepare(): Promise<void> {
    await Promise.resolve()
    for (const [index, file] of this.#spec.metainfo.files.entries()) {
      if (!this.#spec.isWanted(index) || this.#file(index)?.bytes.length === file.sizeBytes) continue
      this.#storage.put(this.#path(index), new Uint8Array(file.sizeBytes))
      this.#unstamped.add(index)
    }
  }

  async stamps(): Promise<(FileStamp | undefined)[]> {
    await this.#storage.held
    this.#stamps = this.#spec.metainfo.files.map((_file, index) => {
      if (this.#stamps !== undefined && !this.#unstamped.has(index)) return this.#stamps[index]
      const file = this.#file(index)
      return file === undefined ? undefined : { sizeBytes: file.bytes.length, mtimeNs: String(file.changes) }
    })
    this.#unstamped.clear()
    return [...this.#stamps]
  }

  protect(files: ReadonlySet<number>): void {
    this.#protected = files
  }

  async read(piece: PieceIndex, into: Uint8Array): Promise<boolean> {
    await Promise.resolve()
    if (this.#storage.readFailure !== undefined) throw this.#storage.readFailure
    for (const span of fileLayoutOf(this.#spec.metainfo).spansOf(piece)) {
      const bytes = this.#file(span.file)?.bytes.subarray(span.fileOffset, span.fileOffset + span.length)
      if (bytes?.length !== span.length) return false
      into.set(bytes, span.pieceOffset)
    }
    return true
  }

  async write(piece: PieceIndex, bytes: Uint8Array): Promise<void> {
    await this.#storage.writesHeld
    if (!this.#spec.isWritable) throw new ShoalError('conflict', 'this content is only read')
    if (this.#storage.failure !== undefined) throw this.#storage.failure
    for (const span of fileLayoutOf(this.#spec.metainfo).spansOf(piece)) {
      const file = this.#file(span.file)
      if (!this.#spec.isWanted(span.file) || file === undefined) continue
      const part = bytes.subarray(span.pieceOffset, span.pieceOffset + span.length)
      if (this.#protected.has(span.file)) {
        const there = file.bytes.subarray(span.fileOffset, span.fileOffset + span.length)
        if (!Buffer.from(part).equals(there)) throw isDifferent(this.#spec.metainfo, span.file)
        continue
      }
      file.bytes.set(part, span.fileOffset)
      file.changes++
      this.#unstamped.add(span.file)
    }
  }

  async sync(): Promise<void> {
    await Promise.resolve()
    this.#storage.syncs++
    if (this.#storage.syncFailure !== undefined) throw this.#storage.syncFailure
  }

  close(): Promise<void> {
    return Promise.resolve()
  }

  #file(index: number): MemoryFile | undefined {
    return this.#storage.files.get(this.#path(index))
  }

  #path(index: number): string {
    const file = this.#spec.metainfo.files[index]
    if (file === undefined) throw new RangeError(`no file ${index}`)
    return `${this.#spec.folder}/${landingPath(this.#spec.metainfo, file)}`
  }
}
