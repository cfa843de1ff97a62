import { addMillis, epochMillis, millis, type EpochMillis, type Millis } from '../../src/core/units.ts'
import type { Clock, Timer } from '../../src/platform/clock.ts'

interface Pending {
  at: number
  order: number
  readonly action: () => void
  readonly period?: number
  isQueued: boolean
  isCancelled: boolean
}

/** A clock that moves when told. Timers fire in the order of their times, then of their setting. */
export class ManualClock implements Clock {
  #now = 0
  #epoch: EpochMillis
  #order = 0
  /** A binary heap, the next to fire at its root: a simulated network sets a million of them. */
  readonly #heap: Pending[] = []
  #cancelled = 0

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
    return this.#set({
      at: this.#now + delay,
      order: this.#order++,
      action,
      isQueued: false,
      isCancelled: false,
    })
  }

  every(period: Millis, action: () => void): Timer {
    return this.#set({
      at: this.#now + period,
      order: this.#order++,
      action,
      period,
      isQueued: false,
      isCancelled: false,
    })
  }

  /** Moves time on, firing what falls due on the way, each at its own time. */
  advance(by: Millis): void {
    const target = this.#now + by
    for (let next = this.#next(); next !== undefined && next.at <= target; next = this.#next()) {
      this.#moveTo(next.at)
      this.#pop()
      if (next.period !== undefined) {
        // The order of setting stays its own: two that are due at once fire as they were set.
        next.at += next.period
        this.#push(next)
      }
      next.action()
    }
    this.#moveTo(target)
  }

  /** Moves time on as over a machine that slept: what fell due meanwhile fires once, afterwards. */
  sleep(by: Millis): void {
    const target = this.#now + by
    this.#moveTo(target)
    for (let next = this.#next(); next !== undefined && next.at <= target; next = this.#next()) {
      this.#pop()
      if (next.period !== undefined) {
        next.at = target + next.period
        this.#push(next)
      }
      next.action()
    }
  }

  /** Time of the next timer, or undefined: lets a simulation jump from event to event. */
  get nextAt(): number | undefined {
    return this.#next()?.at
  }

  get timers(): number {
    return this.#heap.length - this.#cancelled
  }

  /** Moves the date without moving time, as an NTP step does. */
  setEpoch(epoch: EpochMillis): void {
    this.#epoch = epoch
  }

  #set(pending: Pending): Timer {
    this.#push(pending)
    return { cancel: () => this.#cancel(pending) }
  }

  /** What has fired once, or was cancelled, is no timer any more. */
  #cancel(pending: Pending): void {
    if (pending.isCancelled || !pending.isQueued) return
    pending.isCancelled = true
    this.#cancelled++
  }

  #next(): Pending | undefined {
    while (this.#heap[0]?.isCancelled === true) {
      this.#pop()
      this.#cancelled--
    }
    return this.#heap[0]
  }

  #push(pending: Pending): void {
    const heap = this.#heap
    heap.push(pending)
    pending.isQueued = true
    for (let i = heap.length - 1; i > 0;) {
      const parent = (i - 1) >> 1
      if (!this.#isSooner(i, parent)) break
      this.#swap(i, parent)
      i = parent
    }
  }

  #pop(): void {
    const heap = this.#heap
    this.#swap(0, heap.length - 1)
    const popped = heap.pop()
    if (popped !== undefined) popped.isQueued = false
    for (let i = 0; ;) {
      let first = i
      for (const child of [2 * i + 1, 2 * i + 2])
        if (child < heap.length && this.#isSooner(child, first)) first = child
      if (first === i) return
      this.#swap(i, first)
      i = first
    }
  }

  #isSooner(a: number, b: number): boolean {
    const [x, y] = [this.#heap[a], this.#heap[b]]
    if (x === undefined || y === undefined) return false
    return x.at < y.at || (x.at === y.at && x.order < y.order)
  }

  #swap(a: number, b: number): void {
    const [x, y] = [this.#heap[a], this.#heap[b]]
    if (x === undefined || y === undefined) return
    this.#heap[a] = y
    this.#heap[b] = x
  }

  #moveTo(at: number): void {
    this.#epoch = addMillis(this.#epoch, millis(Math.max(0, at - this.#now)))
    this.#now = at
  }
}
