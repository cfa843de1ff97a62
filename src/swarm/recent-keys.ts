/** Numbers that are remembered for a while: when there are too many, the oldest is forgotten. */
export class RecentKeys {
  readonly #keys = new Set<number>()
  readonly #most: number

  constructor(most: number) {
    this.#most = most
  }

  get size(): number {
    return this.#keys.size
  }

  add(key: number): void {
    if (this.#keys.size >= this.#most && !this.#keys.has(key))
      for (const oldest of this.#keys) if (this.#keys.delete(oldest)) break
    this.#keys.add(key)
  }

  /** True when it was remembered. */
  delete(key: number): boolean {
    return this.#keys.delete(key)
  }
}
