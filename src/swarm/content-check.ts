/** What of a torrent is already on the disk: believed where the state vouches for it, hashed where it does not. */
import { hash } from 'node:crypto'
import { Bitfield } from '../core/bitfield.ts'
import { fileLayoutOf, type Metainfo, pieceHashOf, pieceLayoutOf } from '../core/metainfo.ts'
import type { FileLayout, PieceIndex, PieceLayout } from '../core/piece-layout.ts'
import type { BufferPool } from './buffer-pool.ts'
import { type Content, type FileStamp, isDifferent } from './content.ts'
import { type ResumeState, sameStamp } from './resume-state.ts'

export interface CheckParts {
  readonly content: Content
  readonly metainfo: Metainfo
  readonly pool: BufferPool
  readonly state: ResumeState | undefined
  readonly bootId: string
}

export interface CheckOptions {
  readonly isWanted: (file: number) => boolean
  /** The file, if it is there, is ours, or may be written over: it need not be equal. */
  readonly mayReplace: (file: number) => boolean
  readonly onProgress: (bytes: number, total: number) => void
  readonly signal: AbortSignal
}

export interface CheckResult {
  /** Pieces whose wanted parts are in place. */
  readonly done: Bitfield
  /** Pieces that can be read whole, and so be given to others. */
  readonly have: Bitfield
  /** Files that are there, are not to be written over, and can only be compared piece by piece as these come. */
  readonly foreign: ReadonlySet<number>
}

type FileStanding = 'absent' | 'vouched' | 'unknown'

/** @throws ShoalError `conflict` when a file is there that may not be replaced and is not equal. */
export async function checkContent(parts: CheckParts, options: CheckOptions): Promise<CheckResult> {
  const stamps = await parts.content.stamps()
  const state = isCredible(parts.state, parts.bootId) ? parts.state : undefined
  const standings = stamps.map((stamp, i): FileStanding => {
    if (stamp === undefined) return 'absent'
    return sameStamp(stamp, state?.stamps[i]) ? 'vouched' : 'unknown'
  })
  refuseOtherSizes(parts.metainfo, stamps, options)
  return new Checker(parts, options, standings).run()
}

const isCredible = (state: ResumeState | undefined, bootId: string): boolean =>
  state !== undefined && (state.isSynced || (bootId !== '' && state.bootId === bootId))

class Checker {
  readonly #parts: CheckParts
  readonly #options: CheckOptions
  readonly #standings: readonly FileStanding[]
  readonly #layout: PieceLayout
  readonly #files: FileLayout
  readonly #done: Bitfield
  readonly #have: Bitfield
  readonly #foreign = new Set<number>()

  constructor(parts: CheckParts, options: CheckOptions, standings: readonly FileStanding[]) {
    this.#parts = parts
    this.#options = options
    this.#standings = standings
    this.#layout = pieceLayoutOf(parts.metainfo)
    this.#files = fileLayoutOf(parts.metainfo)
    this.#done = new Bitfield(this.#layout.count)
    this.#have = new Bitfield(this.#layout.count)
  }

  async run(): Promise<CheckResult> {
    const toHash = [...this.#layout.indices()].filter((piece) => this.#mustHash(piece))
    const total = toHash.reduce((sum, piece) => sum + this.#layout.pieceBytes(piece), 0)
    let bytes = 0
    let next = this.#read(toHash[0])
    for (const [i, piece] of toHash.entries()) {
      this.#options.signal.throwIfAborted()
      const read = await next
      next = this.#read(toHash[i + 1]) // the disk reads on while we hash
      next.catch(() => undefined) // seen when it is awaited, if we get there
      this.#judge(piece, read)
      bytes += this.#layout.pieceBytes(piece)
      this.#options.onProgress(bytes, total)
    }
    return { done: this.#done, have: this.#have, foreign: this.#foreign }
  }

  /** False when it is settled without reading: what the state says, or that bytes are missing. */
  #mustHash(piece: PieceIndex): boolean {
    const files = this.#files.spansOf(piece).map((span) => span.file)
    const wanted = files.filter((file) => this.#options.isWanted(file))
    if (wanted.length === 0) return false
    if (wanted.every((file) => this.#standings[file] === 'vouched')) {
      if (this.#parts.state?.done.has(piece) !== true) return false
      this.#done.add(piece)
      if (wanted.length === files.length) this.#have.add(piece)
      return false
    }
    if (files.every((file) => this.#standings[file] !== 'absent')) return true
    this.#leaveOpen(wanted)
    return false
  }

  /** The piece says nothing about these files: what of them is not ours is compared when the piece comes. */
  #leaveOpen(files: readonly number[]): void {
    for (const file of files)
      if (this.#standings[file] !== 'absent' && !this.#options.mayReplace(file)) this.#foreign.add(file)
  }

  async #read(piece: PieceIndex | undefined): Promise<Uint8Array | undefined> {
    if (piece === undefined) return undefined
    const into = this.#parts.pool.acquire(this.#layout.pieceBytes(piece))
    if (await this.#parts.content.read(piece, into)) return into
    this.#parts.pool.release(into)
    return undefined
  }

  #judge(piece: PieceIndex, read: Uint8Array | undefined): void {
    const isGood = read !== undefined && isPiece(this.#parts.metainfo, piece, read)
    if (read !== undefined) this.#parts.pool.release(read)
    if (isGood) {
      this.#done.add(piece)
      this.#have.add(piece)
      return
    }
    const files = this.#files.spansOf(piece).map((span) => span.file)
    const wanted = files.filter((file) => this.#options.isWanted(file))
    const [first] = wanted
    // Where every byte is of files that must not differ, one of them does; else the other bytes may be the wrong ones.
    const isClear = wanted.length === files.length && !wanted.some((file) => this.#options.mayReplace(file))
    if (isClear && first !== undefined) throw isDifferent(this.#parts.metainfo, first)
    this.#leaveOpen(wanted)
  }
}

/** Whether `bytes` are what the torrent says the piece is. */
export function isPiece(metainfo: Metainfo, piece: PieceIndex, bytes: Uint8Array): boolean {
  return hash('sha1', bytes, 'buffer').equals(pieceHashOf(metainfo, piece))
}

function refuseOtherSizes(
  metainfo: Metainfo,
  stamps: readonly (FileStamp | undefined)[],
  options: CheckOptions,
): void {
  for (const [i, file] of metainfo.files.entries()) {
    const stamp = stamps[i]
    if (stamp === undefined || stamp.sizeBytes === file.sizeBytes) continue
    if (options.isWanted(i) && !options.mayReplace(i)) throw isDifferent(metainfo, i)
  }
}
