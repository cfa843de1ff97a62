/** How often something happened, by key. Bounded: what happened longest ago is forgotten first. */
export class RecentCounts<Key> {
  readonly #counts = new Map<Key, number>()
  readonly #most: number

  /** @param most Keys that are remembered. */
  constructor(most: number) {
    this.#most = most
  }

  of(key: Key): number {
    return this.#counts.get(key) ?? 0
  }

  /** It happened once more. Answers how often it has. */
  add(key: Key): number {
    const count = this.of(key) + 1
    this.#counts.delete(key)
    this.#counts.set(key, count)
    for (const oldest of this.#counts.keys()) {
      if (this.#counts.size <= this.#most) break
      this.#counts.delete(oldest)
    }
    return count
  }
}
