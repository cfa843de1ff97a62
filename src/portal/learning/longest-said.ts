/** How long a file is in the words of those who watch it, for where the portal does not know. Kept, since asking reads all their rows. */
import type { LearningTableRow } from '../database/learning-tables.ts'
import type { Tx } from '../database/tables.ts'
import { WORD_SHARE } from './progress.ts'

/** Files that are watched in the same days. */
const KEPT_MAX = 1_000

type Said = Pick<LearningTableRow, 'release_id' | 'file' | 'duration_seconds' | 'seen_seconds'>

export class LongestSaid {
  readonly #kept = new Map<string, number>()

  /** 0 when nobody has said. */
  async of(tx: Tx, release: number, file: number): Promise<number> {
    const key = `${release} ${file}`
    const kept = this.#kept.get(key) ?? (await longestOf(tx, release, file))
    this.#kept.delete(key)
    this.#kept.set(key, kept)
    const [oldest] = this.#kept.keys()
    if (oldest !== undefined && this.#kept.size > KEPT_MAX) this.#kept.delete(oldest)
    return kept
  }

  /** What was written. */
  note({ release_id, file, duration_seconds, seen_seconds }: Said): void {
    const key = `${release_id} ${file}`
    const kept = this.#kept.get(key)
    if (kept !== undefined && seen_seconds >= WORD_SHARE * duration_seconds)
      this.#kept.set(key, Math.max(kept, duration_seconds))
  }

  /** Somebody's words are to count no more. */
  forget(): void {
    this.#kept.clear()
  }
}

async function longestOf(tx: Tx, release: number, file: number): Promise<number> {
  const { longest } = await tx
    .selectFrom('learning')
    .select((eb) => eb.fn.max<number | null>('duration_seconds').as('longest'))
    .where('release_id', '=', release)
    .where('file', '=', file)
    .where((eb) => eb('seen_seconds', '>=', eb('duration_seconds', '*', WORD_SHARE)))
    .executeTakeFirstOrThrow()
  return longest ?? 0
}
