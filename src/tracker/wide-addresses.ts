/**
 * IPv6 addresses, which most networks' peers have not: apart from the records, so that these hold four bytes of an
 * address and not sixteen. As long as the most there ever were.
 */

const WORDS = 4
const ROOM_AT_FIRST = 64

export class WideAddresses {
  #words = new Uint32Array(WORDS * ROOM_AT_FIRST)
  readonly #free: number[] = []
  #touched = 0

  /** Its number, until it is let go. */
  hold(words: Uint32Array): number {
    const number = this.#free.pop() ?? this.#touched++
    if (WORDS * number === this.#words.length) {
      const grown = new Uint32Array(2 * this.#words.length)
      grown.set(this.#words)
      this.#words = grown
    }
    for (let i = 0; i < WORDS; i++) this.#words[WORDS * number + i] = words[i] ?? 0
    return number
  }

  letGo(number: number): void {
    this.#free.push(number)
  }

  word(number: number, i: number): number {
    return this.#words[WORDS * number + i] ?? 0
  }

  isAt(number: number, words: Uint32Array): boolean {
    for (let i = 0; i < WORDS; i++) if (this.#words[WORDS * number + i] !== words[i]) return false
    return true
  }
}
