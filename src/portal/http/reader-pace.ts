/** How long an answer waits for who reads it: a while at any time, but not at every turn, since it has one of few places. */
import type { Writable } from 'node:stream'
import { type Millis, millis } from '../../core/units.ts'
import type { Clock } from '../../platform/clock.ts'
import { limits } from '../../wire/limits.ts'

export class ReaderPace {
  readonly #clock: Clock
  readonly #to: Writable
  /** Used up by waiting, and earned again by what is taken. */
  #patience: Millis = limits.webSeedReaderTimeout

  constructor(clock: Clock, to: Writable) {
    this.#clock = clock
    this.#to = to
  }

  /** Resolves when there is room for more; false when whoever asked has gone, or reads too slowly. */
  async send(bytes: Uint8Array): Promise<boolean> {
    if (this.#to.destroyed) return false
    const earned = (1_000 * bytes.length) / limits.webSeedReaderBytesPerSecondMin
    this.#patience = millis(Math.min(limits.webSeedReaderTimeout, this.#patience + earned))
    if (this.#to.write(bytes)) return true
    const since = this.#clock.now()
    const hasRoom = await this.#room()
    this.#patience = millis(Math.max(0, this.#patience - (this.#clock.now() - since)))
    return hasRoom
  }

  #room(): Promise<boolean> {
    const to = this.#to
    return new Promise((resolve) => {
      const settle = (hasRoom: boolean): void => {
        timer.cancel()
        to.off('drain', onDrain).off('close', onClose)
        resolve(hasRoom)
      }
      const onDrain = (): void => {
        settle(true)
      }
      const onClose = (): void => {
        settle(false)
      }
      const timer = this.#clock.after(this.#patience, onClose)
      to.on('drain', onDrain).on('close', onClose)
    })
  }
}
