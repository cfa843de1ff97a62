/** Who has watched what, as pages show it: texts only. Pure. */
import { lengthText } from '../../core/length-text.ts'
import type { Bundle, LearningPage, LearningRow, OwnWatched, Progress, Release } from '../../wire/api.ts'

/** `dateText`: of an ISO time. */
interface Words {
  readonly dateText: (iso: string) => string
}

export function learningPageOf(
  { bundle, recorded, items, nextCursor }: LearningPage & { readonly bundle: Bundle },
  words: Words,
): object {
  const page = `/bundles/${bundle.bundle}/learning`
  return {
    bundleUrl: `/bundles/${bundle.bundle}`,
    bundleTitle: bundle.title,
    recorded,
    csvUrl: `/api/v1${page}.csv`,
    rows: items.map((row) => rowOf(row, words)),
    nextUrl:
      nextCursor === null ? undefined : `${page}?${new URLSearchParams({ cursor: nextCursor }).toString()}`,
  }
}

function rowOf(row: LearningRow, { dateText }: Words): object {
  return {
    name: row.person,
    shownName: row.displayName === '' ? row.person : row.displayName,
    release: row.release,
    path: row.path,
    percent: percentOf(row),
    seen: `${lengthText(row.seenSeconds)} of ${lengthText(row.durationSeconds)}`,
    completedAt: row.completedAt,
    completed: row.completedAt === null ? '' : dateText(row.completedAt),
    last: dateText(row.lastAt),
  }
}

/** Never 100 before it is all. */
const percentOf = ({ share }: Pick<Progress, 'share'>): number => Math.floor(100 * share)

/** Of oneself, for the page of the release; undefined for who has watched nothing of it. */
export function ownWatchedText(
  { items }: OwnWatched,
  { media }: Pick<Release, 'media'>,
  { dateText }: Words,
): string | undefined {
  const [only] = items
  if (only === undefined) return undefined
  const seen = items.reduce((sum, { seenSeconds }) => sum + seenSeconds, 0)
  const known = items.reduce((sum, { durationSeconds }) => sum + durationSeconds, 0)
  const all = Math.max(known, media?.durationSeconds ?? 0)
  const percent = percentOf({ share: Math.min(1, seen / all) })
  const completedAt = items.length === 1 && known === all ? only.completedAt : null
  return completedAt === null
    ? `You have watched ${percent} % of it.`
    : `You have watched ${percent} % of it, and completed it on ${dateText(completedAt)}.`
}
