/**
 * When things were last used, written all in one statement every minute and at the end: a write at each use would make everybody
 * wait, for the disk and for the ledger's transaction.
 */
import type { EpochMillis } from '../../core/units.ts'
import { systemSentence } from '../../platform/system-sentence.ts'

export class PendingUses {
  #uses = new Map<string, EpochMillis>()

  note(key: string, at: EpochMillis): void {
    this.#uses.set(key, at)
  }

  /** Undefined when it was not used since they were last written. */
  of(key: string): EpochMillis | undefined {
    return this.#uses.get(key)
  }

  /**
   * `write` gets them as a JSON list of pairs. What cannot be written is kept for the next time: on a full disk whoever only reads is
   * still served.
   */
  async writeBy(write: (pairs: string) => Promise<unknown>): Promise<void> {
    const uses = this.#uses
    if (uses.size === 0) return
    this.#uses = new Map()
    try {
      await write(JSON.stringify([...uses]))
    } catch (error) {
      this.#uses = new Map([...uses, ...this.#uses])
      if (systemSentence(error) === undefined) throw error
    }
  }
}
