/**
 * What is to be said to many at once, some at a time: a recall may end ten thousand connections, and each is a
 * message and a goodbye, about 0.1 ms. Nobody else waits longer than for one portion.
 */
import { millis } from '../core/units.ts'
import type { Clock } from '../platform/clock.ts'

const AT_ONCE = 100
const PAUSE = millis(20)

export class Farewells<T> {
  readonly #clock: Clock
  readonly #say: (item: T) => void
  readonly #waiting: T[] = []

  constructor(parts: { readonly clock: Clock; readonly say: (item: T) => void }) {
    this.#clock = parts.clock
    this.#say = parts.say
  }

  /** The first portion is said now, unless others are waiting. */
  add(items: readonly T[]): void {
    const isSaying = this.#waiting.length > 0
    for (const item of items) this.#waiting.push(item)
    if (!isSaying) this.#sayPortion()
  }

  #sayPortion(): void {
    for (const item of this.#waiting.splice(0, AT_ONCE)) this.#say(item)
    if (this.#waiting.length === 0) return
    this.#clock.after(PAUSE, () => {
      this.#sayPortion()
    })
  }
}
