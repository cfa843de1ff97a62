/** Values that many records share, as small numbers. A number is free again when its last holder lets go of it. */

export class Interned<T> {
  readonly #keyOf: (value: T) => string
  readonly #numbers = new Map<string, number>()
  readonly #values: (T | undefined)[] = []
  readonly #holders: number[] = []
  readonly #free: number[] = []

  /** `keyOf` of two values that are one value is one text. */
  constructor(keyOf: (value: T) => string) {
    this.#keyOf = keyOf
  }

  get size(): number {
    return this.#numbers.size
  }

  /** Undefined when nobody holds it. */
  numberOf(key: string): number | undefined {
    return this.#numbers.get(key)
  }

  /** One more holder. */
  hold(value: T): number {
    const key = this.#keyOf(value)
    let number = this.#numbers.get(key)
    if (number === undefined) {
      number = this.#free.pop() ?? this.#values.length
      this.#numbers.set(key, number)
      this.#values[number] = value
      this.#holders[number] = 0
    }
    this.#holders[number] = (this.#holders[number] ?? 0) + 1
    return number
  }

  /** A holder of `number` holds `value` from now on. First the new one: a number that nobody holds may become another's. */
  exchange(number: number, value: T): number {
    const next = this.hold(value)
    this.letGo(number)
    return next
  }

  letGo(number: number): void {
    const left = (this.#holders[number] ?? 0) - 1
    this.#holders[number] = left
    if (left > 0) return
    this.#numbers.delete(this.#keyOf(this.at(number)))
    this.#values[number] = undefined
    this.#free.push(number)
  }

  /** @throws TypeError for a number that nobody holds. */
  at(number: number): T {
    const value = this.#values[number]
    if (value === undefined) throw new TypeError(`nobody holds ${number}`)
    return value
  }

  /** Each value that somebody holds, and how many do. */
  *holders(): Generator<[T, number]> {
    for (const number of this.#numbers.values()) yield [this.at(number), this.#holders[number] ?? 0]
  }
}
