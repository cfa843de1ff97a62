/**
 * The watched folder: each file or folder directly in it is a bundle. What appears and has come to rest is
 * published, what changes becomes the bundle's next release, what is unchanged is not hashed again, and what
 * vanishes is left to the shelf, which reports it as missing.
 *
 * Each entry is handled by one task at a time; anything that happens to it meanwhile makes the task look again.
 */
import { readdir, realpath, stat } from 'node:fs/promises'
import { messageOf, ShoalError, systemCode } from '../core/errors.ts'
import { quote } from '../core/file-name.ts'
import { millis, minutes, seconds, type Millis } from '../core/units.ts'
import { sleep } from '../platform/clock.ts'
import type { Logger } from '../platform/log.ts'
import { systemSentence } from '../platform/system-sentence.ts'
import { limits } from '../wire/limits.ts'
import { FolderWatcher } from './folder-watcher.ts'
import { Gate } from '../core/gate.ts'
import { isEntryName, isSameLook, lookAtEntry, type EntryLook } from './library-entry.ts'
import { makeRelease, storedReleaseOf, type MakeParts } from './make-release.ts'
import type { ReleasePlan } from './plan-release.ts'
import type { SeederPortal } from './portal.ts'
import { register } from './register.ts'
import { settled } from './settle.ts'
import type { Shelf } from './shelf.ts'

export interface LibraryParts extends MakeParts {
  readonly log: Logger
  readonly portal: Pick<SeederPortal, 'me' | 'bundle' | 'createBundle' | 'addRelease'>
  readonly shelf: Pick<Shelf, 'look'>
}

export interface LibraryOptions {
  readonly folder: string
  readonly audience: readonly string[]
  readonly rightsStatement: string
}

/** An entry that is not published, and why. */
export interface EntryProblem {
  readonly entry: string
  readonly reason: string
}

/** Walks of entries under way at once. */
const LOOKS_AT_ONCE = 4
/** For what the watcher did not tell (network folders). */
const RESCAN_EVERY = minutes(1)
const RETRY_FIRST = seconds(2)
const RETRY_LAST = seconds(60)

export class Library implements AsyncDisposable {
  readonly #parts: LibraryParts
  readonly #options: LibraryOptions
  readonly #looks = new Gate(LOOKS_AT_ONCE)
  /** Hashing uses all cores by itself. */
  readonly #making = new Gate(1)
  readonly #stopped = new AbortController()
  readonly #tasks = new Map<string, { isStale: boolean; readonly done: Promise<void> }>()
  readonly #problems = new Map<string, string>()
  readonly #known = new Set<string>()
  #watcher: FolderWatcher | undefined
  #isWatcherBroken = false

  private constructor(parts: LibraryParts, options: LibraryOptions) {
    this.#parts = parts
    this.#options = options
  }

  /**
   * Resolves when every entry was looked at once: what is unchanged is served, the rest is in hand.
   *
   * @throws ShoalError `bad-usage` when there is no such folder.
   */
  static async open(parts: LibraryParts, options: LibraryOptions, signal?: AbortSignal): Promise<Library> {
    const library = new Library(parts, { ...options, folder: await folderOf(options.folder) })
    await using opening = new AsyncDisposableStack()
    opening.use(library)
    await library.#startWatching()
    const names = await library.#list()
    await Promise.all(names.map((name) => library.#firstLook(name)))
    signal?.throwIfAborted()
    const timer = parts.clock.every(RESCAN_EVERY, () => void library.#rescan())
    library.#stopped.signal.addEventListener('abort', () => timer.cancel())
    opening.move()
    return library
  }

  /** What is not published, and why, in no promised order. */
  problems(): EntryProblem[] {
    return Array.from(this.#problems, ([entry, reason]) => ({ entry, reason }))
  }

  /** Resolves when nothing is in hand: all entries are published, refused or gone. */
  async idle(): Promise<void> {
    while (this.#tasks.size > 0) await Promise.all(Array.from(this.#tasks.values(), ({ done }) => done))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stopped.abort(new ShoalError('interrupted', 'the seeder stops'))
    await this.#watcher?.[Symbol.asyncDispose]()
    await Promise.all(Array.from(this.#tasks.values(), ({ done }) => done))
  }

  async #startWatching(): Promise<void> {
    const order = { folder: this.#options.folder, depth: limits.publishDepthMax }
    this.#watcher = await FolderWatcher.start(order, {
      onEntry: (name) => this.#mark(name),
      onBroken: (reason) => {
        if (!this.#isWatcherBroken)
          this.#parts.log.warn(
            { reason },
            'watching the library failed: it is looked through every minute instead',
          )
        this.#isWatcherBroken = true
      },
    })
  }

  async #list(): Promise<string[]> {
    return (await readdir(this.#options.folder)).filter(isEntryName)
  }

  async #rescan(): Promise<void> {
    try {
      const names = new Set(await this.#list())
      const concerned = this.#isWatcherBroken
        ? names.union(this.#known)
        : names.symmetricDifference(this.#known)
      for (const name of concerned) this.#mark(name)
    } catch (error) {
      this.#parts.log.warn({ reason: messageOf(error) }, 'the library folder cannot be read')
    }
  }

  /** What is as it was is served at once; the rest gets its task. */
  async #firstLook(name: string): Promise<void> {
    const look = await this.#look(name)
    if (look.kind !== 'plan' || !(await this.#isUpToDate(name, look.plan))) this.#mark(name)
  }

  #mark(name: string): void {
    if (!isEntryName(name) || this.#stopped.signal.aborted) return
    const task = this.#tasks.get(name)
    if (task !== undefined) {
      task.isStale = true
      return
    }
    const done = this.#handle(name).finally(() => this.#tasks.delete(name))
    this.#tasks.set(name, { isStale: false, done })
  }

  /** Never rejects. */
  async #handle(name: string): Promise<void> {
    let delay: Millis = RETRY_FIRST
    // The task is entered into #tasks in the same turn as this begins.
    await Promise.resolve()
    for (;;) {
      const task = this.#tasks.get(name)
      if (task !== undefined) task.isStale = false
      try {
        await this.#once(name)
        if (this.#tasks.get(name)?.isStale !== true) return
        delay = RETRY_FIRST
      } catch (error) {
        if (this.#stopped.signal.aborted) return
        this.#note(
          name,
          error instanceof ShoalError
            ? error.message
            : (systemSentence(error) ?? 'it could not be published'),
        )
        if (!(error instanceof ShoalError))
          this.#parts.log.error({ entry: name, err: error }, 'publishing failed')
        try {
          await sleep(this.#parts.clock, delay, this.#stopped.signal)
        } catch {
          return // stopped while waiting
        }
        delay = millis(Math.min(2 * delay, RETRY_LAST))
      }
    }
  }

  async #once(name: string): Promise<void> {
    await this.#lookAtOldReleases(name)
    const signal = this.#stopped.signal
    const look = await settled(this.#parts.clock, () => this.#look(name), isSameLook, signal)
    switch (look.kind) {
      case 'gone':
        this.#known.delete(name)
        this.#problems.delete(name)
        break
      case 'refused':
        this.#note(name, look.reason)
        break
      case 'plan':
        if (!(await this.#isUpToDate(name, look.plan))) await this.#publish(name, look.plan)
        this.#problems.delete(name)
    }
    await this.#lookAtOldReleases(name)
  }

  #look(name: string): Promise<EntryLook> {
    this.#known.add(name)
    const { looker } = this.#parts.pool
    return this.#looks.run(() => lookAtEntry(this.#options.folder, name, looker, this.#stopped.signal))
  }

  /** True when the release of exactly these files is registered; it is then served. */
  async #isUpToDate(name: string, plan: ReleasePlan): Promise<boolean> {
    const record = storedReleaseOf(this.#parts.store, plan)
    if (record?.state !== 'registered') return this.#isDamaged(name, plan)
    await this.#parts.shelf.look(record.infohash)
    return true
  }

  /** Rotten bytes under an untouched file are not a new release: it stays missing until the file is replaced. */
  #isDamaged(name: string, plan: ReleasePlan): boolean {
    return this.#parts.store
      .ofPath(this.#options.folder, name)
      .some((record) => record.state === 'damaged' && isSamePlan(record.files, plan))
  }

  async #publish(name: string, plan: ReleasePlan): Promise<void> {
    const { store, portal, shelf, log } = this.#parts
    const signal = this.#stopped.signal
    const older = store.ofPath(this.#options.folder, name).findLast((one) => one.bundle !== undefined)
    const made = await this.#making.run(() =>
      makeRelease(this.#parts, plan, { origin: 'library', entry: name }, {}, signal),
    )
    const bundle = made.record.bundle ?? older?.bundle
    const listing = {
      title: name.slice(0, limits.titleCharsMax),
      audience: this.#options.audience,
      rights: this.#options.rightsStatement,
      ...(bundle === undefined ? {} : { bundle }),
    }
    const place = await register(portal, made.torrent, listing, signal)
    await store.update({ ...made.record, ...place, state: 'registered' })
    log.info(
      { entry: name, ...place, infohash: made.record.infohash, hashedBytes: made.hashedBytes },
      'published',
    )
    await shelf.look(made.record.infohash)
  }

  async #lookAtOldReleases(name: string): Promise<void> {
    for (const record of this.#parts.store.ofPath(this.#options.folder, name))
      await this.#parts.shelf.look(record.infohash)
  }

  #note(name: string, reason: string): void {
    if (this.#problems.get(name) === reason) return
    this.#problems.set(name, reason)
    this.#parts.log.warn({ entry: name, reason }, 'not published')
  }
}

function isSamePlan(files: ReleasePlan['files'], plan: ReleasePlan): boolean {
  return isSameLook({ kind: 'plan', plan: { ...plan, files } }, { kind: 'plan', plan })
}

async function folderOf(path: string): Promise<string> {
  try {
    const folder = await realpath(path)
    if ((await stat(folder)).isDirectory()) return folder
    throw new ShoalError(
      'bad-usage',
      `the library ${quote(path)} is no folder: name the one that holds what is to be served`,
    )
  } catch (error) {
    if (systemCode(error) !== 'ENOENT') throw error
    throw new ShoalError('bad-usage', `there is no library folder ${quote(path)}`, { cause: error })
  }
}
