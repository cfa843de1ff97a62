/** Which releases are watched: by whose page asked for a grant, or renewed one, within the last ten minutes. In memory. */
import type { InfoHash, ReleaseName, Slug } from '../../core/ids.ts'
import { addMillis, minutes, type EpochMillis } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import type { Watched } from '../../wire/api-watch.ts'
import { limits } from '../../wire/limits.ts'
import { isoTime } from '../catalogue/rows.ts'

export interface WatchedRelease {
  readonly infohash: InfoHash
  readonly bundle: Slug
  readonly name: ReleaseName
}

/** Pages that play say so again within this. */
const LASTS = minutes(10)
/** Beyond, the one that was asked for longest ago is forgotten. */
const RELEASES_MAX = 10_000
const VIEWERS_MAX = 100_000

interface Entry {
  readonly release: WatchedRelease
  /** When each was heard of last. */
  readonly viewers: Map<string, EpochMillis>
  lastAt: EpochMillis
}

export class WatchRoster {
  readonly #clock: Clock
  /** The one asked for last is the last. */
  readonly #entries = new Map<InfoHash, Entry>()
  #viewers = 0

  constructor(parts: { readonly clock: Clock }) {
    this.#clock = parts.clock
  }

  note(release: WatchedRelease, viewer: string): void {
    const now = this.#clock.epoch()
    const { infohash } = release
    const entry = this.#entries.get(infohash) ?? { release, viewers: new Map(), lastAt: now }
    if (!entry.viewers.delete(viewer)) this.#viewers++
    entry.viewers.set(viewer, now)
    this.#forgetViewers(entry, now)
    entry.lastAt = now
    this.#entries.delete(infohash)
    this.#entries.set(infohash, entry)
    this.#forget(now)
  }

  /** Whoever was there is there still; of others nothing is known. */
  still(infohash: InfoHash, viewer: string): void {
    const entry = this.#entries.get(infohash)
    if (entry?.viewers.has(viewer) === true) this.note(entry.release, viewer)
  }

  /** The one asked for last first. */
  current(): Watched[] {
    const now = this.#clock.epoch()
    this.#forget(now)
    const newest = [...this.#entries.values()].slice(-limits.watchedReleasesMax).reverse()
    for (const entry of newest) this.#forgetViewers(entry, now)
    return newest.map(({ release, viewers, lastAt }) => ({
      infohash: release.infohash,
      bundle: release.bundle,
      release: release.name,
      viewers: viewers.size,
      lastAt: isoTime(lastAt),
    }))
  }

  #forget(now: EpochMillis): void {
    for (const [infohash, entry] of this.#entries) {
      const isFull = this.#entries.size > RELEASES_MAX || this.#viewers > VIEWERS_MAX
      if (!isFull && addMillis(entry.lastAt, LASTS) > now) break
      this.#entries.delete(infohash)
      this.#viewers -= entry.viewers.size
    }
  }

  /** Whoever was heard of last stands last. */
  #forgetViewers(entry: Entry, now: EpochMillis): void {
    for (const [viewer, at] of entry.viewers) {
      if (addMillis(at, LASTS) > now) break
      entry.viewers.delete(viewer)
      this.#viewers--
    }
  }
}
