import { addMillis, epochMillis, millis, type EpochMillis, type Millis } from '../../src/core/units.ts'
import type { Clock, Timer } from '../../src/platform/clock.ts'

interface Pending {
  at: number
  readonly order: number
  readonly action: () => void
  readonly period?: number
}

/** A clock that moves when told. Timers fire in the order of their times, then of their setting. */
export class ManualClock implements Clock {
  #now = 0
  #epoch: EpochMillis
  #order = 0
  readonly #pending = new Set<Pending>()

  constructor(start: EpochMillis = epochMillis(1_790_000_000_000)) {
    this.#epoch = start
  }

  now(): Millis {
    return millis(this.#now)
  }

  epoch(): EpochMillis {
    return this.#epoch
  }

  after(delay: Millis, action: () => void): Timer {
    return this.#set({ at: this.#now + delay, order: this.#order++, action })
  }

  every(period: Millis, action: () => void): Timer {
    return this.#set({ at: this.#now + period, order: this.#order++, action, period })
  }

  /** Moves time on, firing what falls due on the way, each at its own time. */
  advance(by: Millis): void {
    const target = this.#now + by
    for (let next = this.#next(); next !== undefined && next.at <= target; next = this.#next()) {
      this.#moveTo(next.at)
      if (next.period === undefined) this.#pending.delete(next)
      else next.at += next.period
      next.action()
    }
    this.#moveTo(target)
  }

  /** Time of the next timer, or undefined: lets a simulation jump from event to event. */
  get nextAt(): number | undefined {
    return this.#next()?.at
  }

  get timers(): number {
    return this.#pending.size
  }

  /** Moves the date without moving time, as an NTP step does. */
  setEpoch(epoch: EpochMillis): void {
    this.#epoch = epoch
  }

  #set(pending: Pending): Timer {
    this.#pending.add(pending)
    return { cancel: () => void this.#pending.delete(pending) }
  }

  #next(): Pending | undefined {
    let first: Pending | undefined
    for (const p of this.#pending) {
      if (first === undefined || p.at < first.at || (p.at === first.at && p.order < first.order)) first = p
    }
    return first
  }

  #moveTo(at: number): void {
    this.#epoch = addMillis(this.#epoch, millis(Math.max(0, at - this.#now)))
    this.#now = at
  }
}
