/** What concerns one draft happens one after the other: its rows and its files are two places, and are never between two minds. */
export class Turns {
  readonly #last = new Map<string, Promise<unknown>>()

  /** Runs `work` when all that was asked for the same draft before has ended. Never within another turn of it. */
  async run<T>(draftId: string, work: () => Promise<T>): Promise<T> {
    const before = this.#last.get(draftId) ?? Promise.resolve()
    const mine = before.then(work)
    const settled = mine.catch(() => undefined)
    this.#last.set(draftId, settled)
    try {
      return await mine
    } finally {
      if (this.#last.get(draftId) === settled) this.#last.delete(draftId)
    }
  }
}
