/**
 * What all torrents of an engine know together of their trackers. A tracker that starts again has forgotten
 * everybody; it shows by a new epoch in its replies, and then all torrents announce again. So that a process of
 * idle seeds, which announce twice an hour, hears of it soon, one of its torrents announces at least every 45 s.
 */
import type { Random } from '../core/random.ts'
import { type Millis, millis, seconds } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'
import { limits } from '../wire/limits.ts'
import { TrackerSlots } from './tracker-slots.ts'

/** One torrent's announcer, as seen from here. */
export interface Announcing {
  /** The tracker that answered it last. */
  readonly tracker: string | undefined
  /** When it was last asked for. */
  readonly askedAt: Millis
  /** At a moment of chance within `spread`, unless it was going to sooner. */
  announceWithin(spread: Millis): void
}

export interface TrackersParts {
  readonly clock: Clock
  readonly random: Random
}

interface Known {
  heardAt: Millis
  /** Silence after which one of our torrents announces. */
  quiet: Millis
  /** Epochs it has shown, the newest last: one of several processes behind one address may answer. */
  readonly epochs: number[]
}

/** The portal tells everybody at once: so many seconds for a fleet to come back in. */
export const REANNOUNCE_SPREAD: Millis = seconds(45)
/** Who heard by a reply heard at a moment of its own already: together with the wait for it, under a minute. */
const SPREAD_AFTER_REPLY = seconds(20)
const QUIET_MAX = seconds(45)
const EPOCHS_MAX = 16

export class Trackers {
  readonly slots = new TrackerSlots()
  readonly #parts: TrackersParts
  readonly #announcing = new Set<Announcing>()
  readonly #known = new Map<string, Known>()

  constructor(parts: TrackersParts) {
    this.#parts = parts
  }

  join(announcer: Announcing): void {
    this.#announcing.add(announcer)
  }

  /** Harmless when it never joined. */
  leave(announcer: Announcing): void {
    this.#announcing.delete(announcer)
  }

  /** `minInterval`: the least the tracker wants between announces. */
  heard(
    by: Announcing,
    tracker: string,
    { epoch, minInterval }: { readonly epoch: number | undefined; readonly minInterval: Millis | undefined },
  ): void {
    const { clock, random } = this.#parts
    const known = this.#known.get(tracker)
    const epochs = known?.epochs ?? []
    const least = Math.min(minInterval ?? 0, limits.announceIntervalMax)
    const quiet = millis(Math.max(QUIET_MAX * (0.8 + 0.2 * random()), least))
    this.#known.set(tracker, { heardAt: clock.now(), quiet, epochs })
    if (epoch === undefined || epochs.includes(epoch)) return
    epochs.push(epoch)
    if (epochs.length > EPOCHS_MAX) epochs.shift()
    if (epochs.length === 1) return
    for (const other of this.#announcing)
      if (other !== by && other.tracker === tracker) other.announceWithin(SPREAD_AFTER_REPLY)
  }

  /** The portal says that trackers begin anew. */
  reannounce(): void {
    for (const announcer of this.#announcing) announcer.announceWithin(REANNOUNCE_SPREAD)
  }

  /** Once a second or so. */
  tick(): void {
    const now = this.#parts.clock.now()
    for (const [tracker, known] of this.#known) {
      if (now - known.heardAt < known.quiet) continue
      known.heardAt = now
      const longest = this.#longestSilent(tracker)
      if (longest === undefined) this.#known.delete(tracker)
      else longest.announceWithin(millis(0))
    }
  }

  #longestSilent(tracker: string): Announcing | undefined {
    let longest: Announcing | undefined
    for (const announcer of this.#announcing)
      if (announcer.tracker === tracker && !(announcer.askedAt >= (longest?.askedAt ?? Infinity)))
        longest = announcer
    return longest
  }
}
