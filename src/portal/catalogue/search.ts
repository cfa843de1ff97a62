/** Full-text search by SQLite's FTS5: foreign words made harmless, and the index kept in step. */
import { sql } from 'kysely'
import type { Tx } from '../database/tables.ts'
import { fileList, textList } from './rows.ts'
import { learnWords } from './words.ts'

/** Names of a release's files that are searched: a photo archive's hundred-thousandth name helps nobody. */
const FILE_TEXT_CHARS_MAX = 200_000

/** Each word costs a walk through all bundles that have it, on the event loop: nobody needs more to find a thing. */
const WORDS_MAX = 6

/**
 * An FTS5 expression that finds what has, for every word of `text`, a word that begins with it; `undefined`
 * when there is no word. Each word is quoted, so no character of it is an operator. A single letter stands for
 * itself only: the words that begin with it are without end, and the index knows none by one letter.
 */
export function matchExpression(text: string): string | undefined {
  const words = text
    .toLowerCase()
    .replaceAll('\0', ' ')
    .split(/\s+/)
    .filter((word) => /[\p{L}\p{N}]/u.test(word))
  if (words.length === 0) return undefined
  return [...new Set(words)]
    .slice(0, WORDS_MAX)
    .map((word) => `"${word.replaceAll('"', '""')}"${isSingle(word) ? '' : '*'}`)
    .join(' ')
}

/** One letter or digit, whatever stands around it: that is what FTS5 makes of the word. */
const isSingle = (word: string): boolean =>
  /^[\p{L}\p{N}]$/u.test(word.match(/[\p{L}\p{N}]+/gu)?.at(-1) ?? '')

/** Order of merit: a title counts more than a description, a name of a file least. bm25: smaller is better. */
export const searchRank = sql<number>`bm25(bundle_search, 6.0, 10.0, 2.0, 5.0, 1.0)`

/** Writes the bundle's row of the index anew from what stands in the tables. File names: of its live releases. */
export async function reindexBundle(tx: Tx, bundleId: number): Promise<void> {
  const bundle = await tx
    .selectFrom('bundles')
    .selectAll()
    .where('id', '=', bundleId)
    .executeTakeFirstOrThrow()
  const contents = await tx
    .selectFrom('releases')
    .innerJoin('release_contents', 'release_contents.release_id', 'releases.id')
    .select(['releases.content_name', 'release_contents.files'])
    .where('releases.bundle_id', '=', bundleId)
    .where('releases.state', '=', 'live')
    .orderBy('releases.id', 'desc')
    .limit(3)
    .execute()
  const names = new Set<string>()
  for (const content of contents) {
    names.add(content.content_name)
    for (const file of fileList(content.files)) names.add(file.path)
  }
  await learnWords(tx, [bundle.title, ...textList(bundle.tags), bundle.slug, bundle.description])
  await tx.deleteFrom('bundle_search').where('rowid', '=', bundleId).execute()
  await tx
    .insertInto('bundle_search')
    .values({
      rowid: bundleId,
      slug: bundle.slug,
      title: bundle.title,
      description: bundle.description,
      tags: textList(bundle.tags).join(' '),
      files: [...names].join('\n').slice(0, FILE_TEXT_CHARS_MAX),
    })
    .execute()
}
