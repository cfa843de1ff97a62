/**
 * A map that forgets what was not used for long when it fills up. Two generations: what is used moves to the
 * young one, and when that holds half of the capacity, the old one is forgotten and the young one becomes old.
 * So a use costs one look-up, and at least the half used last is always kept.
 */
export class Lru<K, V> {
  readonly #half: number
  #young = new Map<K, V>()
  #old = new Map<K, V>()

  /** Never holds more than `capacity`, which is at least 2. */
  constructor(options: { readonly capacity: number }) {
    this.#half = Math.max(1, Math.floor(options.capacity / 2))
  }

  get size(): number {
    return this.#young.size + this.#old.size
  }

  get(key: K): V | undefined {
    const young = this.#young.get(key)
    if (young !== undefined) return young
    const old = this.#old.get(key)
    if (old !== undefined) this.set(key, old)
    return old
  }

  set(key: K, value: V): void {
    this.#old.delete(key)
    if (this.#young.size >= this.#half && !this.#young.has(key)) {
      this.#old = this.#young
      this.#young = new Map()
    }
    this.#young.set(key, value)
  }

  delete(key: K): void {
    this.#young.delete(key)
    this.#old.delete(key)
  }

  clear(): void {
    this.#young.clear()
    this.#old.clear()
  }

  /**
   * No copy, and yet it may be changed while it is walked, whatever the pauses: what is used meanwhile may be left out
   * or come twice, what is forgotten meanwhile may still come.
   */
  *entries(): Generator<[K, V], undefined> {
    yield* this.#young
    yield* this.#old
  }
}
