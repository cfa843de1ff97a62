/**
 * The scrub: reads all that is served, slowly, again and again, and compares it with what was published. Bytes
 * that rotted on a disk are so found before anybody asks for them, and while another copy may still exist. What
 * it finds takes the way of a piece that the engine found changed (`shelf.ts`).
 *
 * Releases come in the order of their infohashes, so that the place where it was needs two values; it is kept
 * in `DATA/seeder/scrub.json`, and a restart begins nothing anew. Reading and hashing are a worker's. What the
 * system still holds in memory may hide rot below for a round: there is no way around its cache from here.
 */
import { join } from 'node:path'
import { messageOf } from '../core/errors.ts'
import type { InfoHash } from '../core/ids.ts'
import { fileLayoutOf, landingPath, type Metainfo, pieceLayoutOf, pieceHashOf } from '../core/metainfo.ts'
import { hours, MiB, seconds, type EpochMillis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import type { HashPool } from './hash-pool.ts'
import { pieceRuns, type PieceRun } from './piece-runs.ts'
import { absoluteOfRecord, type ReleaseRecord } from './release-record.ts'
import type { ReleaseStore } from './release-store.ts'
import { readScrubPlace, type ScrubPlace, writeScrubPlace } from './scrub-place.ts'
import type { Shelf } from './shelf.ts'
import { stampOf, type FileStamp } from './walk.ts'

export interface ScrubParts {
  readonly clock: Clock
  readonly log: Logger
  readonly store: Pick<ReleaseStore, 'all' | 'get' | 'torrentOf'>
  readonly shelf: Pick<Shelf, 'serves' | 'look' | 'contentChanged'>
  readonly pool: Pick<HashPool, 'run'>
  /** `DATA/seeder`. */
  readonly folder: string
}

const STEP = seconds(1)
/** A small library is not read all day: a disk may rest. */
export const ROUND_EVERY = hours(24)
/** At most this much is read at once after a pause; a portion for the worker is never larger. */
const BURST_BYTES = 32 * MiB
const SAVE_EVERY = seconds(30)
/** File system calls under way at once. */
const CALLS_AT_ONCE = 32

/** What is being read. */
interface Reading {
  readonly record: ReleaseRecord
  readonly metainfo: Metainfo
  readonly runs: Iterator<PieceRun>
  next: PieceRun | undefined
}

export class Scrub implements AsyncDisposable {
  readonly #parts: ScrubParts
  readonly #bytesPerSecond: number
  readonly #file: string
  readonly #place: ScrubPlace
  readonly #timer
  #reading: Reading | undefined
  /** Releases to be read before the store is asked again, the next one last: to ask is long when there are many. */
  #ahead: InfoHash[] = []
  #creditBytes = 0
  #savedAt
  #running: Promise<void> | undefined
  #isStopped = false
  #roundBytes = 0

  private constructor(parts: ScrubParts, bytesPerSecond: number, file: string, place: ScrubPlace) {
    this.#parts = parts
    this.#bytesPerSecond = bytesPerSecond
    this.#file = file
    this.#place = place
    this.#savedAt = parts.clock.now()
    this.#timer = parts.clock.every(STEP, () => this.#tick())
  }

  /** Runs until it is disposed of; disposing waits for what is being read, and keeps the place. */
  static async start(parts: ScrubParts, options: { readonly bytesPerSecond: number }): Promise<Scrub> {
    const file = join(parts.folder, 'scrub.json')
    const place = await readScrubPlace(file, parts.clock.epoch())
    return new Scrub(parts, options.bytesPerSecond, file, place)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isStopped = true
    this.#timer.cancel()
    await this.#running
    await this.#save()
  }

  #tick(): void {
    const earned = (this.#bytesPerSecond * STEP) / 1_000
    this.#creditBytes = Math.min(this.#creditBytes + earned, BURST_BYTES)
    this.#running ??= this.#step()
      .catch((error: unknown) => {
        this.#parts.log.error(
          { reason: messageOf(error) },
          'the scrub failed at a release; it goes on behind it',
        )
        this.#passOn()
      })
      .finally(() => (this.#running = undefined))
  }

  async #step(): Promise<void> {
    while (!this.#isStopped) {
      this.#reading ??= await this.#openNext()
      const { next } = this.#reading ?? {}
      if (this.#reading === undefined || next === undefined || this.#creditBytes < next.sizeBytes) return
      this.#creditBytes -= next.sizeBytes
      this.#roundBytes += next.sizeBytes
      await this.#check(this.#reading, next)
      if (this.#parts.clock.now() - this.#savedAt >= SAVE_EVERY) await this.#save()
    }
  }

  async #check(reading: Reading, run: PieceRun): Promise<void> {
    const { record, metainfo } = reading
    const pieceLengthBytes = metainfo.pieceLength
    const answer = await this.#parts.pool.run({ pieceLengthBytes, stretches: run.stretches })
    if (answer.kind === 'changed') {
      const isRotten = answer.reason.includes('EIO')
      const path = answer.absolute.slice(record.contentFolder.length + 1)
      if (isRotten) await this.#parts.shelf.contentChanged(record.infohash, path)
      else await this.#parts.shelf.look(record.infohash)
      this.#passOn()
      return
    }
    const bad = firstBad(metainfo, run, answer.hashes)
    if (bad !== undefined) {
      await this.#parts.shelf.contentChanged(record.infohash, bad)
      this.#passOn()
      return
    }
    this.#place.piece = run.firstPiece + run.pieces
    const following = this.#parts.shelf.serves(record.infohash) ? reading.runs.next() : undefined
    if (following === undefined || following.done === true) this.#passOn()
    else reading.next = following.value
  }

  /** The release is done with, well or badly. */
  #passOn(): void {
    this.#reading = undefined
    this.#place.piece = 0
    this.#place.isBehind = true
  }

  /** Undefined: nothing is to be read now. */
  async #openNext(): Promise<Reading | undefined> {
    const { clock, store, log } = this.#parts
    if (clock.epoch() < this.#place.notBefore) return undefined
    const record = this.#nextRecord()
    if (record === undefined) {
      if (this.#place.infohash !== undefined)
        log.info({ sizeBytes: this.#roundBytes }, 'the scrub has read all that is served')
      this.#beginRound(clock.epoch())
      await this.#save()
      return undefined
    }
    if (this.#place.infohash !== record.infohash) this.#place.piece = 0
    this.#place.infohash = record.infohash
    this.#place.isBehind = false
    const stamps = await stampsOf(record)
    if (stamps === undefined) {
      await this.#parts.shelf.look(record.infohash)
      this.#passOn()
      return undefined
    }
    const { metainfo } = await store.torrentOf(record.infohash)
    const from = this.#place.piece
    const runs = pieceRuns(
      stamps,
      pieceLayoutOf(metainfo),
      (piece) => piece >= from,
      (file) => absoluteOfRecord(record, file),
    )
    const first = runs.next()
    if (first.done === true) this.#passOn()
    return first.done === true ? undefined : { record, metainfo, runs, next: first.value }
  }

  #beginRound(now: EpochMillis): void {
    this.#place.notBefore = Math.max(now, this.#place.roundBegan + ROUND_EVERY)
    this.#place.roundBegan = this.#place.notBefore
    this.#place.infohash = undefined
    this.#place.piece = 0
    this.#place.isBehind = false
    this.#roundBytes = 0
  }

  #nextRecord(): ReleaseRecord | undefined {
    const { store, shelf } = this.#parts
    const { infohash: at, isBehind } = this.#place
    const isAhead = (hash: InfoHash): boolean =>
      shelf.serves(hash) && (at === undefined || hash > at || (hash === at && !isBehind))
    const next = (): InfoHash | undefined => {
      for (let hash = this.#ahead.pop(); hash !== undefined; hash = this.#ahead.pop())
        if (isAhead(hash)) return hash
      return undefined
    }
    let hash = next()
    if (hash === undefined) {
      const all = store.all().map(({ infohash }) => infohash)
      this.#ahead = all.filter(isAhead).sort().reverse()
      hash = next()
    }
    return hash === undefined ? undefined : store.get(hash)
  }

  async #save(): Promise<void> {
    this.#savedAt = this.#parts.clock.now()
    try {
      await writeScrubPlace(this.#file, this.#place)
    } catch (error) {
      this.#parts.log.warn({ reason: messageOf(error) }, 'the place of the scrub was not kept')
    }
  }
}

/** As the files are now; undefined when one was touched since it was hashed, or is gone. */
async function stampsOf(record: ReleaseRecord): Promise<FileStamp[] | undefined> {
  const stamps: FileStamp[] = []
  for (let i = 0; i < record.files.length; i += CALLS_AT_ONCE) {
    const some = record.files.slice(i, i + CALLS_AT_ONCE)
    const now = await Promise.all(
      some.map((file) => stampOf(absoluteOfRecord(record, file), file.path).catch(() => undefined)),
    )
    for (const [at, file] of some.entries()) {
      const stamp = now[at]
      if (stamp?.sizeBytes !== file.sizeBytes || stamp.mtimeNs !== file.mtimeNs) return undefined
      stamps.push(stamp)
    }
  }
  return stamps
}

/** The landing path of a file in the first piece whose hash is wrong. */
function firstBad(metainfo: Metainfo, run: PieceRun, hashes: Uint8Array): string | undefined {
  const layout = pieceLayoutOf(metainfo)
  for (let i = 0; i < run.pieces; i++) {
    const piece = layout.index(run.firstPiece + i)
    if (piece === undefined) return undefined
    if (Buffer.compare(pieceHashOf(metainfo, piece), hashes.subarray(20 * i, 20 * i + 20)) === 0) continue
    const file = metainfo.files[fileLayoutOf(metainfo).spansOf(piece)[0]?.file ?? 0]
    return file === undefined ? metainfo.name : landingPath(metainfo, file)
  }
  return undefined
}
