/**
 * Who has watched what, where the company wants to know: told by the pages on which people watch, a file at a time. It is what
 * their browsers say, so it is as good as a signature in a list of those present. With `learning.record` off nothing is kept
 * and nothing shown.
 */
import { RateLimiterMemory } from 'rate-limiter-flexible'
import { ShoalError } from '../../core/errors.ts'
import { kindOfName } from '../../core/kinds.ts'
import type { InfoHash } from '../../core/ids.ts'
import { Breath } from '../../platform/breath.ts'
import type { OwnWatched, Progress, Played, PlayedTaken } from '../../wire/api.ts'
import { learningLimits } from '../../wire/limits-learning.ts'
import type { StoredRelease } from '../catalogue/catalogue.ts'
import { fileList, isoTime } from '../catalogue/rows.ts'
import type { LearningTableRow } from '../database/learning-tables.ts'
import type { Tx } from '../database/tables.ts'
import { HttpRefusal } from '../http/problems.ts'
import type { RecordParts } from '../journal.ts'
import { LongestSaid } from './longest-said.ts'
import { type Known, type PostContext, progressWith, shareOf } from './progress.ts'
import { rangesIn } from './rows.ts'
import type { LearningSettings } from './settings.ts'
import { statementsOf } from './statements.ts'
import type { XapiOutbox } from './xapi-outbox.ts'

export interface LearningParts extends RecordParts {
  readonly settings: LearningSettings
  /** Absent where there is no learning system to tell. */
  readonly outbox: XapiOutbox | undefined
  readonly publicUrl: string
}

/** Rows that go in one transaction: a few milliseconds. */
const AT_ONCE = 500
const TURNS_MAX = 200
const DAY_MS = 24 * 3_600_000

export class Learning {
  readonly #parts: LearningParts
  readonly #said = new LongestSaid()
  readonly #rate = new RateLimiterMemory({ points: learningLimits.watchedPostsPerMinuteMax, duration: 60 })

  constructor(parts: LearningParts) {
    this.#parts = parts
  }

  get isOn(): boolean {
    return this.#parts.settings.record
  }

  /** What the page on which one watches says of it; undefined when there is nothing to say. */
  get notice(): string | undefined {
    const { record, keepDays, xapiUrl } = this.#parts.settings
    if (!record) return undefined
    const passedOn = xapiUrl === undefined ? '' : ', and tells its learning system'
    return `Your company records how much of this you watch, with your name, for ${keepDays} days${passedOn}.`
  }

  /**
   * `release`: one that the person may read.
   * @throws ShoalError `bad-input` for what is no such file, or cannot have been played; HttpRefusal 429.
   */
  async note(person: string, release: StoredRelease, post: Played): Promise<PlayedTaken> {
    if (!this.isOn) return { recorded: false, progress: null }
    await this.#rate.consume(person).catch(() => {
      throw new HttpRefusal(429, 'this is told more often than every few seconds', { 'Retry-After': '30' })
    })
    const { journal, clock, settings } = this.#parts
    const row = await journal.change(async (tx) => {
      const found = await fileOf(tx, release, post.file)
      const before = await rowOf(tx, found.id, person, post.file)
      const context: PostContext = {
        now: clock.epoch(),
        media: found.media,
        sizeBytes: found.sizeBytes,
        saidSeconds: found.media?.isOfFile === true ? 0 : await this.#said.of(tx, found.id, post.file),
        completedShare: settings.completedShare,
      }
      const after = progressWith(before && knownOf(before), post, context)
      const next: LearningTableRow = {
        release_id: found.id,
        person,
        file: post.file,
        duration_seconds: after.durationSeconds,
        ranges: JSON.stringify(after.ranges),
        seen_seconds: after.seenSeconds,
        first_at: before?.first_at ?? context.now,
        last_at: context.now,
        completed_at: after.completedAt,
      }
      await tx.replaceInto('learning').values(next).execute()
      await this.#tell(tx, { release, path: found.path, before, next })
      return next
    })
    this.#said.note(row)
    return { recorded: true, progress: progressOf(row) }
  }

  /** What is known of oneself, by file. */
  async own(person: string, infohash: InfoHash): Promise<OwnWatched> {
    if (!this.isOn) return { recorded: false, items: [] }
    const rows = await this.#parts.db
      .selectFrom('learning')
      .innerJoin('releases', 'releases.id', 'learning.release_id')
      .selectAll('learning')
      .where('releases.infohash', '=', infohash)
      .where('learning.person', '=', person)
      .orderBy('learning.file')
      .limit(AT_ONCE)
      .execute()
    return { recorded: true, items: rows.map(progressOf) }
  }

  /** Answers how many records went. What waits for the learning system goes along. */
  async forget(person: string, by: string): Promise<number> {
    const count = await this.#parts.journal.change(async (tx, notes) => {
      const gone = await tx.deleteFrom('learning').where('person', '=', person).executeTakeFirst()
      await tx.deleteFrom('xapi_outbox').where('person', '=', person).execute()
      const count = Number(gone.numDeletedRows)
      if (count > 0)
        notes.audit({ actor: by, action: 'learning-forgotten', subject: person, detail: `${count} records` })
      return count
    })
    this.#said.forget()
    return count
  }

  /** Forgets what is over, a little at a time. */
  async sweep(): Promise<void> {
    const { journal, clock, settings } = this.#parts
    const before = clock.epoch() - settings.keepDays * DAY_MS
    const breath = new Breath()
    for (const table of ['learning', 'xapi_outbox'] as const)
      for (let turn = 0; turn < TURNS_MAX; turn++) {
        const gone = await journal.change((tx) => deleteSome(tx, table, before))
        if (gone < AT_ONCE) break
        await breath.take()
      }
  }

  async #tell(
    tx: Tx,
    told: {
      readonly release: StoredRelease
      readonly path: string
      readonly before: LearningTableRow | undefined
      readonly next: LearningTableRow
    },
  ): Promise<void> {
    const { outbox, publicUrl, settings } = this.#parts
    if (outbox === undefined) return
    const { before, next, release, path } = told
    const events = [
      ...(before === undefined ? (['initialized'] as const) : []),
      ...(next.completed_at !== null && (before?.completed_at ?? null) === null
        ? (['completed'] as const)
        : []),
    ]
    if (events.length === 0) return
    const of = { publicUrl, completedShare: settings.completedShare, release, path, row: next }
    for (const statement of statementsOf(events, of)) await outbox.add(tx, next.person, statement)
  }
}

async function deleteSome(tx: Tx, table: 'learning' | 'xapi_outbox', before: number): Promise<number> {
  if (table === 'xapi_outbox') {
    const old = tx.selectFrom('xapi_outbox').select('seq').where('created_at', '<=', before).limit(AT_ONCE)
    const { numDeletedRows } = await tx.deleteFrom('xapi_outbox').where('seq', 'in', old).executeTakeFirst()
    return Number(numDeletedRows)
  }
  const old = tx
    .selectFrom('learning')
    .select(['release_id', 'person', 'file'])
    .where('last_at', '<=', before)
    .limit(AT_ONCE)
  const { numDeletedRows } = await tx
    .deleteFrom('learning')
    .where((eb) =>
      eb(eb.refTuple('release_id', 'person', 'file'), 'in', old.$asTuple('release_id', 'person', 'file')),
    )
    .executeTakeFirst()
  return Number(numDeletedRows)
}

interface FoundFile {
  readonly id: number
  readonly path: string
  readonly sizeBytes: number
  readonly media: PostContext['media']
}

/** @throws ShoalError `bad-input` for what is no file, or nothing to watch. */
async function fileOf(tx: Tx, release: StoredRelease, index: number): Promise<FoundFile> {
  const row = await tx
    .selectFrom('releases')
    .innerJoin('release_contents', 'release_contents.release_id', 'releases.id')
    .leftJoin('release_media', 'release_media.release_id', 'releases.id')
    .select(['releases.id', 'release_contents.files', 'release_media.duration_seconds'])
    .where('releases.infohash', '=', release.infohash)
    .executeTakeFirst()
  const files = row === undefined ? [] : fileList(row.files)
  const file = files[index]
  if (row === undefined || file === undefined)
    throw new ShoalError('bad-input', 'this release has no such file')
  const nameOf = ({ path }: { readonly path: string }): string => (path === '' ? release.contentName : path)
  if (!isPlayed(nameOf(file))) throw new ShoalError('bad-input', 'this file is no video and no recording')
  const seconds = row.duration_seconds
  // all of its files together: of the only one that is played, its own
  const isOfFile = seconds !== null && !files.some((other) => other !== file && isPlayed(nameOf(other)))
  return {
    id: row.id,
    path: nameOf(file),
    sizeBytes: file.sizeBytes,
    media: seconds === null || seconds <= 0 ? undefined : { seconds, isOfFile },
  }
}

function isPlayed(name: string): boolean {
  const kind = kindOfName(name)
  return kind === 'video' || kind === 'audio'
}

const rowOf = (
  tx: Tx,
  release: number,
  person: string,
  file: number,
): Promise<LearningTableRow | undefined> =>
  tx
    .selectFrom('learning')
    .selectAll()
    .where('release_id', '=', release)
    .where('person', '=', person)
    .where('file', '=', file)
    .executeTakeFirst()

const knownOf = (row: LearningTableRow): Known => ({
  durationSeconds: row.duration_seconds,
  ranges: rangesIn(row.ranges),
  lastAt: row.last_at,
  completedAt: row.completed_at,
})

export function progressOf(row: LearningTableRow): Progress {
  const of = { seenSeconds: row.seen_seconds, durationSeconds: row.duration_seconds }
  return {
    file: row.file,
    ...of,
    share: shareOf(of),
    firstAt: isoTime(row.first_at),
    lastAt: isoTime(row.last_at),
    completedAt: row.completed_at === null ? null : isoTime(row.completed_at),
  }
}
