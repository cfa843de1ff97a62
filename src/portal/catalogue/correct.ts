/** What somebody may have meant by words that are in nothing. */
import { sql } from 'kysely'
import type { Database } from '../database/tables.ts'
import type { Eyes } from './catalogue.ts'
import { matchExpression } from './search.ts'
import { seenBy } from './seen.ts'
import { wordsNear, wordsOf } from './words.ts'

/** Searches that are tried in place of one that finds nothing. */
const TRIES_MAX = 6
const WORDS_MAX = 6

/**
 * Other words for `text`, most likely ones first: each word that is the beginning of none in what these eyes may see is changed for one that
 * is, by one slip. Whether they may see what that leads to is for the caller to find out before it says anything of it: nobody learns
 * from a correction which words are in what is not for them.
 */
export async function corrections(db: Database, eyes: Eyes, text: string): Promise<string[]> {
  const words = wordsOf(text).slice(0, WORDS_MAX)
  let tries: string[][] = [[]]
  let isChanged = false
  for (const word of words) {
    const choices = (await isInUse(db, eyes, word)) ? [word] : await wordsNear(db, word)
    if (choices.length === 0) return []
    isChanged ||= choices[0] !== word
    tries = tries.flatMap((begun) => choices.map((choice) => [...begun, choice])).slice(0, TRIES_MAX)
  }
  return isChanged ? tries.map((chosen) => chosen.join(' ')) : []
}

async function isInUse(db: Database, eyes: Eyes, word: string): Promise<boolean> {
  const match = matchExpression(word)
  if (match === undefined) return false
  const row = await db
    .selectFrom('bundle_search')
    .select('rowid')
    .where(sql<boolean>`bundle_search match ${match}`)
    .where(await seenBy(db, eyes, sql.ref('bundle_search.rowid')))
    .limit(1)
    .executeTakeFirst()
  return row !== undefined
}
