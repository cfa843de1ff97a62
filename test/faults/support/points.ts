/** Random points, the same for the same seed: which one a run used is printed, so that it can be had again. */
import { createHash, randomInt } from 'node:crypto'
import { isLongRun } from '../../support/figures.ts'

/** `FAULT_SEED` repeats a run. */
const seed = process.env.FAULT_SEED ?? String(randomInt(2 ** 31))

export class Points {
  readonly #what: string
  #drawn = 0
  readonly count: number

  constructor(what: string, counts: { readonly inCi: number; readonly long: number }) {
    this.#what = what
    this.count = isLongRun ? counts.long : counts.inCi
    process.stdout.write(`      ${what}: ${this.count} points, FAULT_SEED=${seed}\n`)
  }

  /** The next number in 0..1. */
  next(): number {
    const sum = createHash('sha256').update(`${seed}/${this.#what}/${this.#drawn++}`).digest()
    return sum.readUInt32BE(0) / 2 ** 32
  }

  /** One of `choices`. */
  pick<T>(choices: readonly [T, ...T[]]): T {
    return choices[Math.floor(this.next() * choices.length)] ?? choices[0]
  }

  /** Whole milliseconds below `max`. */
  ms(max: number): number {
    return Math.floor(this.next() * max)
  }
}
