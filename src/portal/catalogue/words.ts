/**
 * Words of the catalogue, and words like them: what somebody may have meant. Each word stands under itself and under each text that is it
 * without one letter, and a typed word is looked up in the same way, so that one letter too many, too few, wrong or out of order is
 * found by equality alone (symmetric deletion: W. Garbe, SymSpell, 2012).
 */
import type { Database, Tx } from '../database/tables.ts'

/** Of shorter ones nearly everything is one letter from nearly everything. */
const CHARS_MIN = 4
const CHARS_MAX = 24
/** Of one bundle, from its title on: 25 rows each at the most. */
const WORDS_MAX = 60
const CANDIDATES_MAX = 5

/** Lower case, accents aside, each once, in their order: as `bundle_search` reads them. */
export function wordsOf(text: string): string[] {
  const plain = text.normalize('NFKD').replaceAll(/\p{M}/gu, '').toLowerCase()
  return [...new Set(plain.match(/[\p{L}\p{N}]+/gu))]
}

/** The word, and what is left of it without each one of its letters. */
export function variantsOf(word: string): string[] {
  const letters = Array.from(word)
  return [...new Set([word, ...letters.map((_, at) => letters.toSpliced(at, 1).join(''))])]
}

const isLearnt = (word: string): boolean => {
  const { length } = Array.from(word)
  return length >= CHARS_MIN && length <= CHARS_MAX
}

/** They are never forgotten: a word that no bundle has any more leads to nothing. */
export async function learnWords(tx: Tx, texts: readonly string[]): Promise<void> {
  const words = wordsOf(texts.join(' ')).filter(isLearnt).slice(0, WORDS_MAX)
  if (words.length === 0) return
  const known = await tx
    .selectFrom('word_variants')
    .select('word')
    .where('variant', 'in', words)
    .whereRef('variant', '=', 'word')
    .execute()
  const fresh = new Set(words).difference(new Set(known.map(({ word }) => word)))
  const rows = [...fresh].flatMap((word) => variantsOf(word).map((variant) => ({ variant, word })))
  if (rows.length > 0)
    await tx
      .insertInto('word_variants')
      .values(rows)
      .onConflict((conflict) => conflict.doNothing())
      .execute()
}

/** Words that are one slip away from this one, which is none of them; those that begin as it does first. */
export async function wordsNear(db: Database, word: string): Promise<string[]> {
  if (!isLearnt(word)) return []
  const rows = await db
    .selectFrom('word_variants')
    .select('word')
    .distinct()
    .where('variant', 'in', variantsOf(word))
    .where('word', '!=', word)
    .limit(200)
    .execute()
  const common = (other: string): number => {
    let length = 0
    while (length < other.length && other[length] === word[length]) length++
    return length
  }
  return rows
    .map((row) => row.word)
    .filter((other) => isOneSlipAway(word, other))
    .sort((a, b) => common(b) - common(a) || a.length - b.length || (a < b ? -1 : 1))
    .slice(0, CANDIDATES_MAX)
}

/** One letter too many, too few, another, or two neighbours changed round (optimal string alignment, distance 1). */
export function isOneSlipAway(a: string, b: string): boolean {
  const [one, other] = [Array.from(a), Array.from(b)]
  if (Math.abs(one.length - other.length) > 1) return false
  let at = 0
  while (at < one.length && at < other.length && one[at] === other[at]) at++
  const rest = (letters: readonly string[], from: number): string => letters.slice(from).join('')
  if (one.length < other.length) return rest(one, at) === rest(other, at + 1)
  if (one.length > other.length) return rest(one, at + 1) === rest(other, at)
  if (at === one.length) return false
  if (rest(one, at + 1) === rest(other, at + 1)) return true
  const isSwapped = one[at] === other[at + 1] && one[at + 1] === other[at]
  return isSwapped && rest(one, at + 2) === rest(other, at + 2)
}
