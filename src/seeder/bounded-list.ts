/** A list for a person to read: the first few in full, the rest as a number. */
export class BoundedList<T> {
  readonly #items: T[] = []
  readonly #capacity: number
  #count = 0

  constructor(capacity: number) {
    this.#capacity = capacity
  }

  add(item: T): void {
    this.#count++
    if (this.#items.length < this.#capacity) this.#items.push(item)
  }

  /** Those that were kept, in the order in which they came. */
  get items(): readonly T[] {
    return this.#items
  }

  /** How many came, kept or not. */
  get count(): number {
    return this.#count
  }
}
